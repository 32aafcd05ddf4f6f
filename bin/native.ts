/**
 * What stands in for `koffi` in the bundle and the single executable: its native module alone. The bundle
 * finds it beside itself; the executable carries it as an asset and lends it a file for as long as loading
 * takes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import sea from 'node:sea';

const NAME = 'koffi.node';

interface Native {
  readonly exports: object;
}

function open(file: string): object {
  const native: Native = { exports: {} };
  process.dlopen(native, file, constants.dlopen.RTLD_NOW);
  return native.exports;
}

/** Loads `bytes` from a private folder below `folder` and removes it again; the kernel keeps the mapping. */
function openBytes(bytes: Uint8Array, folder: string): object {
  const own = mkdtempSync(join(folder, 'byoa-'));
  try {
    const file = join(own, NAME);
    writeFileSync(file, bytes, { mode: 0o500 });
    return open(file);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Tries the places where a program may map a file of its own, systemd's runtime folder first. */
function openAsset(): object {
  const bytes = new Uint8Array(sea.getAsset(NAME));
  const runtime = process.env.RUNTIME_DIRECTORY?.split(':')[0];
  const folders = [...(runtime ? [runtime] : []), tmpdir(), '/dev/shm', '/run', '/var/tmp'];
  const reasons: string[] = [];
  for (const folder of folders) {
    try {
      return openBytes(bytes, folder);
    } catch (error) {
      reasons.push(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `the native module ${NAME} (${bytes.length} bytes) could be loaded from no folder, for each is read-only, full or ` +
      `mounted noexec; set TMPDIR to one that is none of these (${reasons.join('; ')})`,
  );
}

export default sea.isSea() ? openAsset() : open(join(__dirname, NAME));
