/** Types for the inner modules of ssh2 that porthop imports. @types/ssh2 does not have them. */
declare module "ssh2/lib/protocol/kex.js" {
  const module: Partial<import("./exchange-view.ts").KexModule>;
  export default module;
}

declare module "ssh2/lib/protocol/constants.js" {
  const module: {
    readonly SUPPORTED_CIPHER?: readonly string[];
    readonly SUPPORTED_KEX?: string[];
    readonly SUPPORTED_MAC?: string[];
    readonly DEFAULT_KEX?: string[];
  };
  export default module;
}

declare module "ssh2/lib/protocol/crypto.js" {
  const module: Partial<import("./exchange-view.ts").CryptoModule>;
  export default module;
}

declare module "ssh2/lib/protocol/handlers.js" {
  const module: { [type: number]: import("./exchange-view.ts").KexHandler | undefined };
  export default module;
}

declare module "ssh2/lib/protocol/zlib.js" {
  const module: Partial<import("./exchange-view.ts").ZlibModule>;
  export default module;
}
