/**
 * The keys that a login may offer, each with a way to sign. A key comes from a file or an agent, and is plain,
 * certified or in a security device. The order is ssh's (sshconnect2.c, pubkey_prepare).
 */
import { type Certificate, isCertificateType, plainKey } from "../../codec/keys/certificate.ts";
import { keyType, keyTypeName } from "../../codec/keys/fingerprint.ts";
import { ecdsaFromDer } from "../../codec/keys/ssh-signature.ts";
import { Malformed } from "../../codec/malformed.ts";
import { readString, writeStrings } from "../../codec/ssh-string.ts";
import { visible } from "../../text/terminal-text.ts";
import { type Agent, type AgentKey, rsaSha256Flag, rsaSha512Flag } from "./agent.ts";
import type { KeyAlgorithm } from "./foreign-algorithm.ts";
import type { Identities } from "./identity.ts";
import type { KeyFile, Opening } from "./key-file.ts";
import { readUserCertificate, type UserCertificate } from "./user-certificate.ts";

export interface Candidate {
  readonly label: string;
  readonly fromAgent: boolean;
  /** Undefined when only opening the file shows the public key. */
  readonly publicBlob: Buffer | undefined;
  readonly certificate?: Certificate | undefined;
  readonly file?: KeyFile;
  /** Makes the bytes of a signature without the algorithm's name, for keys that ssh2 knows. `hash` is for RSA. */
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>;
  /** Makes a whole signature with the algorithm's name, for keys that ssh2 does not know. */
  signWhole(data: Buffer, algorithm: KeyAlgorithm): Promise<Buffer>;
}

export interface CandidateSources {
  readonly identities: Identities;
  readonly agent: Agent | undefined;
  readonly agentKeys: readonly AgentKey[];
  /** IdentitiesOnly: an agent's key is offered only when a file names it. */
  readonly identitiesOnly: boolean;
  readonly opening: () => Opening;
  readonly signal: AbortSignal | undefined;
}

export interface Candidates {
  readonly inOrder: Candidate[];
  /** Files and certificates for which no private key was found. */
  readonly halves: readonly (KeyFile | UserCertificate)[];
}

export function gatherCandidates(sources: CandidateSources): Candidates {
  const { identities, agentKeys, identitiesOnly } = sources;
  const isNamed = ({ blob }: AgentKey) => identities.publicBlobs.some((named) => named.equals(blob));
  const inAgent = (blob: Buffer | undefined) => agentKeys.find((key) => blob?.equals(key.blob) === true);
  const halves: (KeyFile | UserCertificate)[] = [];
  const certified = (certificate: UserCertificate): Candidate[] => {
    if (inAgent(certificate.blob) !== undefined) return [];
    const { key } = certificate.certificate;
    const agentKey = inAgent(key);
    const file = certificate.file ?? identities.files.find(({ publicBlob }) => publicBlob?.equals(key) === true);
    if (agentKey !== undefined) return [certifiedBy(agentSigner(sources, agentKey), certificate)];
    if (file !== undefined && !file.isPublic) return [certifiedBy(fileSigner(sources, file), certificate)];
    halves.push(certificate);
    return [];
  };
  const plain = (file: KeyFile): Candidate[] => {
    if (file.isCertified || inAgent(file.publicBlob) !== undefined) return [];
    if (!file.isPublic) return [{ ...fileSigner(sources, file), publicBlob: file.publicBlob, file }];
    halves.push(file);
    return [];
  };
  const ofAgent = (keys: readonly AgentKey[]) => keys.map((key) => agentSigner(sources, key));
  const beside = (file: KeyFile) => identities.certificates.filter((certificate) => certificate.file === file);
  const named = identities.certificates.filter(({ file }) => file === undefined);
  return {
    inOrder: [
      ...ofAgent(agentKeys.filter(isNamed)),
      ...(identitiesOnly ? [] : ofAgent(agentKeys.filter((key) => !isNamed(key)))),
      ...named.flatMap(certified),
      ...identities.files.flatMap((file) => [...plain(file), ...beside(file).flatMap(certified)]),
    ],
    halves,
  };
}

function certifiedBy(signer: Candidate, { label, blob, certificate }: UserCertificate): Candidate {
  const { fromAgent, sign, signWhole } = signer;
  return { label, fromAgent, publicBlob: blob, certificate, sign, signWhole };
}

function fileSigner({ opening }: CandidateSources, file: KeyFile): Candidate {
  const sign = async (data: Buffer, hash: string | undefined) => (await file.open(opening())).sign(data, hash);
  return {
    label: file.label,
    fromAgent: false,
    publicBlob: file.publicBlob,
    sign,
    async signWhole(data, { signature, hash }) {
      const bytes = await sign(data, hash);
      return writeStrings(signature, signature.startsWith("ecdsa-") ? ecdsaFromDer(bytes) : bytes);
    },
  };
}

function agentSigner({ agent, signal }: CandidateSources, key: AgentKey): Candidate {
  const whole = async (data: Buffer, wanted: string) => {
    const flags = wanted === "rsa-sha2-256" ? rsaSha256Flag : wanted === "rsa-sha2-512" ? rsaSha512Flag : 0;
    const signature = (await agent?.sign(key.blob, data, flags, signal)) ?? Buffer.alloc(0);
    const name = readString(signature, 0)?.bytes.toString("latin1");
    // An old agent ignores the flags and signs with SHA-1, which the server refuses.
    if (name !== wanted) throw new Error(`the agent cannot sign with ${wanted}`);
    return signature;
  };
  const certificate = certificateOf(key);
  const name = visible(key.comment, 80) || `${keyTypeName(keyType(plainOf(key)) ?? key.type)} key`;
  return {
    label: certificate === undefined ? name : `${name} (certificate)`,
    fromAgent: true,
    publicBlob: key.blob,
    certificate,
    sign: async (data, hash) => bareSignature(await whole(data, signatureName(key.type, hash))),
    signWhole: (data, { signature }) => whole(data, signature),
  };
}

function signatureName(type: string, hash: string | undefined): string {
  if (type !== "ssh-rsa" || hash === "sha1") return type;
  return hash === "sha512" ? "rsa-sha2-512" : "rsa-sha2-256";
}

/** Removes the algorithm's name, which `whole` has checked. */
function bareSignature(signature: Buffer): Buffer {
  const bytes = readString(signature, readString(signature, 0)?.next ?? -1)?.bytes;
  if (bytes === undefined) throw new Error("the agent's signature makes no sense");
  return bytes;
}

function certificateOf({ blob, type, comment }: AgentKey): Certificate | undefined {
  if (!isCertificateType(type)) return undefined;
  try {
    return readUserCertificate(comment, blob).certificate;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function plainOf({ blob }: AgentKey): Buffer {
  try {
    return plainKey(blob);
  } catch (error) {
    if (error instanceof Malformed) return blob;
    throw error;
  }
}
