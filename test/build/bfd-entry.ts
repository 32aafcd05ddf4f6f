/** A program that runs two BFD threads over the loopback until both are Up: built by a test. */
import { type RunningBfd, startBfd } from '../../controller/shell/bfd/bfd.ts';

function start(own: string, peer: string): { bfd: RunningBfd; up: Promise<void> } {
  let isUp: () => void = () => undefined;
  const up = new Promise<void>((resolve) => {
    isUp = resolve;
  });
  const bfd = startBfd({
    onChange: ({ state }) => state === 'up' && isUp(),
    onLog: () => undefined,
    onFault: (text) => process.stderr.write(`${text}\n`),
  });
  const options = { peer, local: own, multihop: false, intervalMs: 100, multiplier: 3, passive: false };
  bfd.post({ kind: 'open', session: peer, options });
  return { bfd, up };
}

export async function main(version: string): Promise<void> {
  const sides = [start('127.0.0.31', '127.0.0.32'), start('127.0.0.32', '127.0.0.31')];
  await Promise.all(sides.map(({ up }) => up));
  for (const { bfd } of sides) await bfd.stop();
  process.stdout.write(`${version} up\n`);
}
