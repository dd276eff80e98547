/**
 * The keywords of OpenSSH that porthop does not have (readconf.c up to 10.2, with Debian's and Apple's own). In a file
 * they are no errors, because ssh accepts them. A keyword whose absence the user would notice causes a warning, the
 * others only a note for -v. A keyword that would send the connection another way is refused.
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
  RhostsAuthentication RhostsRSAAuthentication RSAAuthentication SyslogFacility UseKeychain UsePrivilegedPort
  UseRoaming UserKnownHostsFile2 UseRsh VersionAddendum WarnWeakCrypto
  CanonicalDomains CanonicalizeFallbackLocal CanonicalizeMaxDots CanonicalizePermittedCNAMEs LocalCommand TunnelDevice`;

const matters = `
  CanonicalizeHostname ChannelTimeout
  ForkAfterAuthentication HostbasedAuthentication IPQoS KbdInteractiveDevices KnownHostsCommand NoHostAuthenticationForLocalhost PermitLocalCommand
  PKCS11Provider ProtocolKeepAlives ProxyUseFdpass RefuseConnection RekeyLimit SecurityKeyProvider SetupTimeOut
  SmartcardDevice Tunnel VerifyHostKeyDNS`;

/** Without this keyword the connection would leave through another network interface than the user wants. */
const refused = "BindInterface";

const weights: ReadonlyMap<string, Weight> = new Map([
  ...names(harmless).map((name) => [name, "harmless"] as const),
  ...names(matters).map((name) => [name, "matters"] as const),
  ...names(refused).map((name) => [name, "refused"] as const),
]);

function names(text: string): readonly string[] {
  return text.trim().toLowerCase().split(/\s+/);
}
