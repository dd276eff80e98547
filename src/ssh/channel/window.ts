/**
 * Opens the window of a channel (RFC 4254, section 5.2) again after every 128 KiB. ssh2 1.17.0 waits until half of its
 * 2 MiB are used, and then the server is often idle: 19 MB/s instead of 36 at a round trip of 50 ms. The window itself,
 * and so the memory that a stalled reader costs, stays as it is.
 */
const stepBytes = 128 * 1024;

/** What lib/Channel.js exports. client.js takes these values when it is loaded, so they are set before that. */
export interface ChannelModule {
  readonly MAX_WINDOW: number;
  WINDOW_THRESHOLD: number;
  readonly windowAdjust: (channel: ChannelState) => void;
  readonly Channel: { readonly prototype: { _read(this: ChannelState): void } };
}

interface ChannelState {
  _waitChanDrain: boolean;
  readonly incoming: { readonly window: number };
}

/** Does nothing to an ssh2 that looks different: that one is slower, and right. */
export function openWindowsEarly(module: Partial<ChannelModule>): void {
  const { MAX_WINDOW: window, windowAdjust, Channel: channel } = module;
  if (window === undefined || windowAdjust === undefined || channel === undefined) return;
  const threshold = window - stepBytes;
  module.WINDOW_THRESHOLD = threshold;
  // Channel.js itself goes on with the value that it was born with: the only place where it matters is this one.
  channel.prototype._read = function read() {
    if (!this._waitChanDrain) return;
    this._waitChanDrain = false;
    if (this.incoming.window <= threshold) windowAdjust(this);
  };
}
