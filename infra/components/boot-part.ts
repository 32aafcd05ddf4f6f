/** A part of a machine's first boot that some machines have. Type only. */
export interface BootPart {
  /** Made before the files. */
  readonly directories: readonly string[];
  /** Path and text. */
  readonly files: readonly (readonly [path: string, text: string])[];
  /** Functions of the script. */
  readonly functions: string;
  /** Lines that call them: once the daemon's executable is there, and once the daemon runs. */
  readonly beforeDaemon?: string;
  readonly afterDaemon?: string;
}
