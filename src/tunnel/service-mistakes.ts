/**
 * Services that one forwarded TCP port does not carry: they name further ports or addresses inside of their first
 * connection, or speak by UDP. They are known by their port. A service that works in most setups is not listed.
 */

export interface ServiceMistake {
  readonly text: string;
  readonly cure: string;
}

const proxy = "use -D, with a client that speaks SOCKS";

/** By the port of the target, as IANA assigns it. */
const services: ReadonlyMap<number, ServiceMistake> = new Map([
  [
    21,
    {
      // RFC 959 section 3.3: PASV and PORT name an address and a port for each list and file.
      text: "FTP opens a second connection for each list and file, to a port that is not forwarded: only the login works",
      cure: "use sftp, which needs no forward, or -D with a client that does passive FTP through SOCKS",
    },
  ],
  [
    53,
    {
      text: "DNS asks by UDP, and SSH forwards TCP only",
      cure: "ask by TCP (dig +tcp), or let a SOCKS proxy (-D, socks5h) look names up on the server",
    },
  ],
  [
    111,
    {
      // RFC 1833: rpcbind tells on which port each service is.
      text: "rpcbind answers with further ports, which are not forwarded",
      cure: "forward the service's own port (NFS 4 needs 2049 only)",
    },
  ],
  [
    135,
    {
      text: "Windows RPC answers with further ports, which are not forwarded",
      cure: "use a service with one port: WinRM (5985, 5986), SSH or RDP (3389)",
    },
  ],
  [
    1099,
    {
      text: "a Java RMI registry answers with another host and port, which is not forwarded",
      cure: `fix the port of the objects too and forward it, or ${proxy}`,
    },
  ],
  [
    5060,
    {
      // RFC 3261 and RFC 3264: the body of a call names address and port of the voices.
      text: "SIP names other addresses for the voices, which go by UDP, and SSH forwards TCP only",
      cure: "use a VPN",
    },
  ],
  [
    9092,
    {
      text: "Kafka sends its clients on to the brokers' own names (advertised.listeners), past the forward",
      cure: `have a listener advertised as localhost with this port, or ${proxy}`,
    },
  ],
]);

export function serviceMistake(port: number): ServiceMistake | undefined {
  return services.get(port);
}
