/** The one inner module of ssh2 that is imported: its types are not in @types/ssh2. */
declare module "ssh2/lib/Channel.js" {
  const module: Partial<import("./window.ts").ChannelModule>;
  export default module;
}
