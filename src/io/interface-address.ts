/** The address of a network interface that a connection is to come from (sshconnect.c, check_ifaddrs). */
import { networkInterfaces } from "node:os";

/** One that is neither loopback nor link-local where there is one; undefined for no interface, or none of this family. */
export function interfaceAddress(
  name: string,
  family: 4 | 6,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): string | undefined {
  const own = Object.hasOwn(interfaces, name) ? (interfaces[name] ?? []) : [];
  const fitting = own.filter((each) => each.family === `IPv${family}`);
  const isLinkLocal = (address: string) => /^fe[89ab]/i.test(address);
  const found = fitting.find(({ address, internal }) => !internal && !isLinkLocal(address)) ?? fitting[0];
  if (found === undefined) return undefined;
  return isLinkLocal(found.address) ? `${found.address}%${name}` : found.address;
}
