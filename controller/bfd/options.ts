/** What a BFD session is to be. Plain data with units in the names; imports nothing. */

export interface BfdOptions {
  /** The peer's address. */
  readonly peer: string;
  /** The address to send from; absent: the kernel's choice. */
  readonly local?: string;
  /** RFC 5883: UDP port 4784 and any TTL; otherwise RFC 5881: port 3784 and TTL 255 both ways. */
  readonly multihop: boolean;
  /** Desired Min TX Interval and Required Min RX Interval once Up, ms; 10 at least. */
  readonly intervalMs: number;
  /** Detect Mult, 1 to 255. */
  readonly multiplier: number;
  /** Waits for the peer to begin. RFC 5880 6.1. */
  readonly passive: boolean;
  readonly authentication?: BfdAuthentication;
}

/** RFC 5880 4.2-4.4. A password or key of MD5 has 1 to 16 bytes, one of SHA1 1 to 20. */
export interface BfdAuthentication {
  readonly type: 'simple' | 'keyed-md5' | 'meticulous-md5' | 'keyed-sha1' | 'meticulous-sha1';
  readonly keyId: number;
  readonly key: Uint8Array;
}
