/** The lab's side of its control socket (ask.ts). */
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { unreachable } from '../../controller/base/result.ts';
import { controlGuest } from '../world/guests.ts';
import { addCut, removeCut } from '../world/links.ts';
import { callAs } from './account.ts';
import { type Answer, type Question, SOCKET } from './ask.ts';
import { shutDownMachine } from './boot.ts';
import type { Lab } from './lab.ts';
import { enterRoot } from './root.ts';
import type { ToldDesign } from './told-design.ts';

/** Serves questions until the process ends; `told` tells of the design in the lab, `end` ends the lab. */
export function openControl(lab: Lab, told: (() => ToldDesign) | undefined, end: () => void): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
    // It repeats the errors of the socket: who asked has gone.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const say = (answer: Answer): void => void socket.write(`${JSON.stringify(answer)}\n`);
      respond({ lab, told, say, socket, end }, JSON.parse(line) as Question).catch((error: unknown) =>
        say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) }),
      );
    });
  });
  return new Promise((resolve) => server.listen(SOCKET, resolve));
}

/** An instance by id or name, whether it runs or not; other texts as they are. */
function instanceOf(lab: Lab, text: string): string {
  return lab.machines().find(({ id, name }) => id === text || name === text)?.id ?? text;
}

interface Asked {
  readonly lab: Lab;
  readonly told: (() => ToldDesign) | undefined;
  readonly say: (answer: Answer) => void;
  readonly socket: Socket;
  readonly end: () => void;
}

async function respond({ lab, told, say, socket, end }: Asked, question: Question): Promise<void> {
  const { act, world } = lab.simulator;
  switch (question.kind) {
    case 'list':
      return say({
        kind: 'list',
        machines: lab.machines(),
        url: lab.simulator.url,
        counts: await lab.settled(),
      });
    case 'enter': {
      await lab.settled();
      const id = lab.find(question.machine);
      return say({ kind: 'entered', id, root: enterRoot(id) });
    }
    case 'verb': {
      const id = instanceOf(lab, question.machine);
      const state = act(() => world().records.instance.get(id)?.state);
      if (question.verb === 'stop') {
        if (act(() => world().guests.get(id)?.endpoint.power) === 'running') await shutDownMachine(id);
        await callAs(lab.simulator, id, 'StopInstances');
      } else if (question.verb === 'start' && state === 'stopped')
        await callAs(lab.simulator, id, 'StartInstances');
      else {
        const { verb } = question;
        const outcome = act(() => controlGuest(world(), id, verb));
        if (!outcome.ok) throw new Error(`${outcome.error}.`);
      }
      await lab.settled();
      return say({ kind: 'done', text: `${question.verb} ${id}` });
    }
    case 'cut': {
      const { loss } = question;
      const [from, to] = [instanceOf(lab, question.from), instanceOf(lab, question.to)];
      const made = act(() => addCut(world(), { from, to, direction: 'both', loss }));
      if (!made.ok) throw new Error(`${made.error}.`);
      await lab.settled();
      return say({ kind: 'done', text: `${made.value.id} between ${from} and ${to}` });
    }
    case 'heal':
      if (!act(() => removeCut(world(), question.id))) throw new Error(`There is no cut '${question.id}'.`);
      await lab.settled();
      return say({ kind: 'done', text: `${question.id} is healed` });
    case 'trace': {
      const stop = lab.watch((packets, missed) => say({ kind: 'packets', packets, missed }));
      socket.once('close', stop);
      return;
    }
    case 'capture': {
      if (!world().records['network-interface'].has(question.eni))
        throw new Error(`There is no ENI '${question.eni}'.`);
      const stop = lab.capture(question.eni, (frames) =>
        say({
          kind: 'frames',
          frames: frames.map(({ at, sent, frame }) => ({
            at,
            sent,
            frame: Buffer.from(frame).toString('base64'),
          })),
        }),
      );
      socket.once('close', stop);
      return;
    }
    case 'design':
      if (told === undefined) throw new Error('This lab has a world, not a design.');
      return say({ kind: 'design', told: told() });
    case 'events':
      return say({
        kind: 'events',
        events: act(() => world().log.filter(({ seq }) => seq > question.since)),
        last: act(() => world().log.at(-1)?.seq ?? 0),
      });
    case 'down':
      say({ kind: 'done', text: 'down' });
      return end();
    default:
      return unreachable(question);
  }
}
