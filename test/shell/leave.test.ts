/** `byoa leave` against a control socket: it waits until the daemon's appliance has nothing any more. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ControlServer, type Request, serveControl } from '../../controller/shell/control.ts';
import { leaveService } from '../../controller/shell/leave.ts';

const closing: ControlServer[] = [];
afterEach(async () => {
  for (const control of closing.splice(0)) await control.close();
  vi.restoreAllMocks();
  process.exitCode = 0;
});

/** A daemon of appliance a, whose group is at each look with the next owner of a list. */
async function daemon(owners: readonly (string | undefined)[], relieved: readonly boolean[] = [true]) {
  const socket = join(mkdtempSync(join(tmpdir(), 'byoa-leave-')), 'control.sock');
  const asked: Request[] = [];
  let looks = 0;
  const control = await serveControl(socket, (id, request) => {
    asked.push(request);
    if (request.kind !== 'status') return control.reply(id, { ok: true, body: { message: 'a leaves' } });
    const ownerMember = owners[Math.min(looks, owners.length - 1)];
    const isRelieved = relieved[Math.min(looks, relieved.length - 1)];
    looks += 1;
    control.reply(id, {
      ok: true,
      body: {
        appliances: [
          { name: 'b', own: false },
          { name: 'a', own: true },
        ],
        relieved: isRelieved,
        groups: [
          { name: 'egress', ownerMember, members: ['a', 'b'] },
          { name: 'others', ownerMember: undefined, members: ['b', 'c'] },
        ],
      },
    });
  });
  closing.push(control);
  return { socket, asked };
}

/** Runs the command; what it says, and its exit code. */
async function leave(socket: string, wait: string) {
  let said = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  await leaveService({ config: '/none', socket, wait });
  return { said, code: process.exitCode ?? 0 };
}

describe('byoa leave', () => {
  it('tells the daemon, and waits until the group is with another member', async () => {
    const { socket, asked } = await daemon(['a', 'a', 'b']);
    expect(await leave(socket, '5s')).toEqual({ said: 'Everything is handed over.\n', code: 0 });
    expect(asked.map(({ kind }) => kind)).toEqual(['leave', 'status', 'status', 'status']);
  });

  it('waits while a move is half done, and nobody has all of the group', async () => {
    const { socket, asked } = await daemon(['a', undefined, 'b']);
    expect(await leave(socket, '5s')).toEqual({ said: 'Everything is handed over.\n', code: 0 });
    expect(asked.map(({ kind }) => kind)).toEqual(['leave', 'status', 'status', 'status']);
  });

  it('waits until its neighbors have another way, and says so where they have none', async () => {
    const { socket, asked } = await daemon(['b'], [false, false, true]);
    expect(await leave(socket, '5s')).toEqual({ said: 'Everything is handed over.\n', code: 0 });
    expect(asked.map(({ kind }) => kind)).toEqual(['leave', 'status', 'status', 'status']);
    const alone = await daemon(['b'], [false]);
    expect((await leave(alone.socket, '300ms')).said).toBe(
      'Nobody has taken over its neighbors within 300ms: the machine stops with it.\n',
    );
  });

  it('gives up in time, says what nobody took, and fails', async () => {
    const { socket } = await daemon(['a']);
    expect(await leave(socket, '500ms')).toEqual({
      said: 'Nobody has taken over egress within 500ms: the machine stops with it.\n',
      code: 1,
    });
  });

  it('has nothing to hand over where no daemon runs', async () => {
    expect(await leave('/nowhere/control.sock', '5s')).toEqual({
      said: 'No daemon answers: there is nothing to hand over.\n',
      code: 0,
    });
  });

  it('wants a duration', async () => {
    await expect(leave('/nowhere/control.sock', 'soon')).rejects.toThrow("--wait 'soon' is no duration");
  });
});
