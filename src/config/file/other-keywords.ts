/**
 * The keywords of OpenSSH (readconf.c, up to 10.2, and Debian's and Apple's own) that porthop does not have. In a file
 * they are no error, as they are none for ssh; one that would be felt is worth a word, any other one to those who ask
 * (-v), and one that would send the connection another way ends it.
 */

export type Weight = "harmless" | "matters" | "refused";

/** Undefined for a keyword that OpenSSH does not know. */
export function weightOf(keyword: string): Weight | undefined {
  return weights.get(keyword.toLowerCase());
}

const harmless = `
  Cipher CompressionLevel EnableEscapeCommandline EnableSSHKeysign
  FallBackToRsh FingerprintHash GlobalKnownHostsFile2 GSSAPIAuthentication GSSAPIClientIdentity
  GSSAPIDelegateCredentials GSSAPIKexAlgorithms GSSAPIKeyExchange GSSAPIRenewalForcesRekey GSSAPIServerIdentity
  GSSAPITrustDns HostbasedAcceptedAlgorithms HostbasedKeyTypes
  KerberosAuthentication KerberosTgtPassing AFSTokenPassing LogVerbose ObscureKeystrokeTiming Protocol
  RhostsAuthentication RhostsRSAAuthentication RSAAuthentication SyslogFacility Tag UseKeychain UsePrivilegedPort
  UseRoaming UserKnownHostsFile2 UseRsh VersionAddendum WarnWeakCrypto
  CanonicalDomains CanonicalizeFallbackLocal CanonicalizeMaxDots CanonicalizePermittedCNAMEs LocalCommand TunnelDevice`;

const matters = `
  CanonicalizeHostname ChannelTimeout
  ForkAfterAuthentication HostbasedAuthentication IPQoS KbdInteractiveDevices KnownHostsCommand NoHostAuthenticationForLocalhost PermitLocalCommand
  PKCS11Provider ProtocolKeepAlives ProxyUseFdpass RefuseConnection RekeyLimit SecurityKeyProvider SetupTimeOut
  SmartcardDevice Tunnel VerifyHostKeyDNS`;

/** Without it the connection would go out another way than the one that was named. */
const refused = "BindInterface";

const weights: ReadonlyMap<string, Weight> = new Map([
  ...names(harmless).map((name) => [name, "harmless"] as const),
  ...names(matters).map((name) => [name, "matters"] as const),
  ...names(refused).map((name) => [name, "refused"] as const),
]);

function names(text: string): readonly string[] {
  return text.trim().toLowerCase().split(/\s+/);
}
