/**
 * Ports by the names of services, wherever ssh takes such a name: `-L 8085:localhost:http`, `Port ssh` (misc.c, a2port).
 * What stands behind a name is a fact of the machine, like its own name: the program says once where it is looked up.
 */
import { quoted } from "../text/terminal-text.ts";
import { parsePort } from "./host-port.ts";
import { Malformed } from "./malformed.ts";

export type ServicePorts = ReadonlyMap<string, number>;

/** A file of services(5). Of two lines with one name the first counts, and only TCP does. */
export function parseServices(text: string): ServicePorts {
  const ports = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name = "", port = "", ...aliases] = (line.split("#", 1)[0] ?? "").split(/\s+/).filter((word) => word !== "");
    const number = Number(/^(\d{1,5})\/tcp$/.exec(port)?.[1]);
    if (!(number >= 1 && number <= 65535)) continue;
    for (const each of [name, ...aliases]) if (!ports.has(each)) ports.set(each, number);
  }
  return ports;
}

/** Until this is called, and where there is no file, the names that people write most are known. */
export function lookServicesUpIn(readText: () => string | undefined): void {
  let found: ServicePorts | undefined;
  services = () => {
    const text = found === undefined ? readText() : undefined;
    found ??= text === undefined ? usual : parseServices(text);
    return found;
  };
}

/** A port as a number, or as the name of its service. Names have a letter case, as in ssh. Throws Malformed. */
export function parseServicePort(text: string, least: 0 | 1 = 1): number {
  const isName = /^[!-~]{1,64}$/.test(text) && !/^\d+$/.test(text);
  const port = isName ? services().get(text) : undefined;
  if (port !== undefined) return port;
  if (!/^[a-z][a-z0-9-]{0,30}$/i.test(text)) return parsePort(text, least);
  throw new Malformed(`${quoted(text)} is no port (${least} to 65535), and no service that this machine knows`);
}

/** IANA's names, as Debian's /etc/services has them. */
const usual: ServicePorts = parseServices(`
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
domain 53/tcp
http 80/tcp www
kerberos 88/tcp
pop3 110/tcp pop-3
imap2 143/tcp imap
ldap 389/tcp
https 443/tcp
submissions 465/tcp ssmtp smtps
submission 587/tcp
ldaps 636/tcp
rsync 873/tcp
imaps 993/tcp
pop3s 995/tcp
socks 1080/tcp
ms-sql-s 1433/tcp
mqtt 1883/tcp
nfs 2049/tcp
mysql 3306/tcp
svn 3690/tcp
postgresql 5432/tcp postgres
amqp 5672/tcp
x11 6000/tcp
redis 6379/tcp
http-alt 8080/tcp webcache
git 9418/tcp
`);

let services: () => ServicePorts = () => usual;
