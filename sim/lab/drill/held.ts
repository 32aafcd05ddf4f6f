/**
 * What a daemon's process holds: its memory and its open files. Of the memory only what is left after a
 * collection tells of a leak: between collections V8 keeps what it likes.
 */
import { DAEMON, type LabStage } from './stage.ts';

export interface Held {
  /** Tells one life of a daemon from another. */
  readonly process: string;
  /** Resident, after a collection of all that nobody refers to. */
  readonly rssBytes: number;
  readonly files: number;
}

const PAGE_BYTES = 4096;

/**
 * A program of Node that has the process of its argument collect, by the inspector that SIGUSR1 starts:
 * it listens on the loopback of the machine, https://nodejs.org/api/cli.html#--inspecthostport. Twice, for
 * what the first one only marks for its finalizers.
 */
const COLLECT = `
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
process.kill(Number(process.argv.at(-1)), 'SIGUSR1');
let targets;
for (let tries = 0; targets === undefined && tries < 50; tries += 1) {
  targets = await fetch('http://127.0.0.1:9229/json/list').then((answer) => answer.json(), () => wait(50));
}
const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
const ask = (id) =>
  new Promise((done) => {
    socket.onmessage = ({ data }) => JSON.parse(data).id === id && done();
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
  });
await new Promise((done, fail) => Object.assign(socket, { onopen: done, onerror: fail }));
await ask(1);
await ask(2);
socket.close();`;

/** Looks at the process of a machine's daemon; undefined where none runs. */
export async function heldBy({ look }: LabStage, machine: string): Promise<Held | undefined> {
  const node = `'${process.execPath}' --experimental-websocket --input-type=module`;
  const text = await look(
    machine,
    `p=$(${DAEMON}); [ -n "$p" ] || exit 0
${node} - "$p" <<'PROGRAM' || exit 1
${COLLECT}
PROGRAM
echo "$p $(cut -d ' ' -f 2 /proc/$p/statm) $(ls /proc/$p/fd | wc -l)"`,
  );
  const [id, pages, files] = text.trim().split(' ');
  if (id === undefined || files === undefined) return undefined;
  return { process: id, rssBytes: Number(pages) * PAGE_BYTES, files: Number(files) };
}
