/**
 * Services that people forward, under well-known names: the ports on which a service usually listens, the port to
 * listen on at the other end, and how the service is used.
 */

export interface Service {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
  /** The usual port comes first. Empty when nobody can know the port. */
  readonly ports: readonly ServicePort[];
  /** True when the service mostly runs on another machine than the server. */
  readonly isElsewhere?: boolean;
  /** The path of the service's socket, when the service has no port. */
  readonly socket?: string;
}

interface ServicePort {
  readonly port: number;
  readonly about: string;
}

const web: Service = {
  value: "web",
  label: "A web site or web application",
  ports: [
    { port: 80, about: "http" },
    { port: 443, about: "https" },
    { port: 8080, about: "http, often of an application" },
  ],
};
const ssh: Service = { value: "ssh", label: "SSH", ports: [{ port: 22, about: "SSH" }] };
const rdp: Service = { value: "rdp", label: "A Windows desktop (RDP)", ports: [{ port: 3389, about: "RDP" }] };
const vnc: Service = { value: "vnc", label: "A screen (VNC)", ports: [{ port: 5900, about: "VNC" }] };
const other: Service = { value: "other", label: "Something else on a TCP port", ports: [] };

const postgresql: Service = { value: "postgresql", label: "PostgreSQL", ports: [{ port: 5432, about: "PostgreSQL" }] };
const mysql: Service = { value: "mysql", label: "MySQL or MariaDB", ports: [{ port: 3306, about: "MySQL" }] };
const redis: Service = { value: "redis", label: "Redis", ports: [{ port: 6379, about: "Redis" }] };
const mongodb: Service = { value: "mongodb", label: "MongoDB", ports: [{ port: 27017, about: "MongoDB" }] };

/** Services on the server's side that can be reached from here. */
export const reachable: readonly Service[] = [
  web,
  postgresql,
  mysql,
  redis,
  mongodb,
  rdp,
  vnc,
  { ...ssh, label: "SSH to a second server, behind the first", isElsewhere: true },
  {
    value: "imap",
    label: "Mail to read (IMAP)",
    ports: [
      { port: 993, about: "encrypted" },
      { port: 143, about: "in clear, or STARTTLS" },
    ],
  },
  {
    value: "smtp",
    label: "Mail to send (SMTP)",
    ports: [
      { port: 587, about: "with a login, STARTTLS" },
      { port: 25, about: "from server to server" },
    ],
  },
  {
    value: "pop3",
    label: "Mail to fetch (POP3)",
    ports: [
      { port: 995, about: "encrypted" },
      { port: 110, about: "in clear" },
    ],
  },
  { value: "docker", label: "Docker (its socket)", ports: [], socket: "/var/run/docker.sock" },
  other,
];

/** Services on this side that can be shown to the server's side. */
export const showable: readonly Service[] = [
  {
    ...web,
    ports: [
      { port: 3000, about: "http, often in development" },
      { port: 8080, about: "http, often of an application" },
      { port: 80, about: "http" },
      { port: 443, about: "https" },
    ],
  },
  { ...ssh, label: "SSH into this machine" },
  { ...rdp, label: "This desktop (RDP)" },
  { ...vnc, label: "This screen (VNC)" },
  {
    value: "database",
    label: "A database",
    ports: [
      { port: 5432, about: "PostgreSQL" },
      { port: 3306, about: "MySQL or MariaDB" },
      { port: 6379, about: "Redis" },
      { port: 27017, about: "MongoDB" },
    ],
  },
  other,
];

/** The port to listen on for a service: the service's own port, or a port above 1023, where every user may listen. */
export function usualListenPort(port: number): number {
  if (port === 22) return 2222;
  if (port >= 1024) return port;
  return port < 100 || port === 443 ? port + 8000 : port + 1000;
}

/** The usual database on each port, under its name in `uses`. */
const databases: Readonly<Record<number, string>> = {
  5432: "postgresql",
  3306: "mysql",
  6379: "redis",
  27017: "mongodb",
};

/** Says how to use the service through the forward. Empty when porthop cannot know. */
export function useOf(service: string, port: number, at: { readonly host: string; readonly port: number }): string[] {
  const { host } = at;
  const uses: Readonly<Record<string, string>> = {
    web: `open ${port === 443 ? "https" : "http"}://${host}:${at.port}/ in a browser`,
    postgresql: `psql -h ${host} -p ${at.port} -U USER DATABASE`,
    mysql: `mysql -h 127.0.0.1 -P ${at.port} -u USER -p`,
    redis: `redis-cli -h ${host} -p ${at.port}`,
    mongodb: `mongosh mongodb://${host}:${at.port}/`,
    rdp: `xfreerdp /v:${host}:${at.port}, or mstsc /v:${host}:${at.port}`,
    vnc: `vncviewer ${host}::${at.port}`,
    ssh: `ssh -p ${at.port} USER@${host}`,
    imap: `in the mail program: IMAP server ${host}, port ${at.port}`,
    smtp: `in the mail program: SMTP server ${host}, port ${at.port}`,
    pop3: `in the mail program: POP3 server ${host}, port ${at.port}`,
    docker: `docker -H tcp://${host}:${at.port} ps`,
  };
  const use = uses[service === "database" ? (databases[port] ?? "") : service];
  if (use === undefined) return [];
  const isNamed = port === 443 || port === 993 || port === 995;
  return [use, ...(isNamed ? ["the certificate is made out to another name, and the program will say so"] : [])];
}
