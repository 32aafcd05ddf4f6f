/** The frame of the command line: what is loaded when, exit codes, and that its table tells the truth. */
import type { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { parts } from '../../bin/parts.ts';
import { assemble, frame, type Part, run } from '../../bin/program.ts';

function recorded() {
  const loaded: string[] = [];
  const ran: string[] = [];
  const part = (name: string): Part => ({
    commands: { [name]: `does ${name}` },
    load: async () => {
      loaded.push(name);
      const register = (program: Command): void => {
        program
          .command(name)
          .option('--loud')
          .action(() => void ran.push(name));
      };
      return { register };
    },
  });
  return { loaded, ran, parts: [part('one'), part('two')] };
}

/** Runs with both streams caught. */
async function caught(list: readonly Part[], args: readonly string[]) {
  const written: string[] = [];
  const take = (chunk: string | Uint8Array): boolean => {
    written.push(String(chunk));
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(take);
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(take);
  try {
    return { code: await run('1.2.3', list, args), text: written.join('') };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

describe('the command line', () => {
  it('loads only the part that owns the command', async () => {
    const { parts: two, loaded, ran } = recorded();
    expect(await run('1.2.3', two, ['two', '--loud'])).toBe(0);
    expect({ loaded, ran }).toEqual({ loaded: ['two'], ran: ['two'] });
  });

  it('prints help and version without loading anything', async () => {
    const { parts: two, loaded } = recorded();
    expect(await caught(two, ['--version'])).toEqual({ code: 0, text: '1.2.3\n' });
    const help = await caught(two, ['--help']);
    expect(help.code).toBe(0);
    expect(help.text).toMatch(/one +does one[\s\S]*two +does two/);
    expect(loaded).toEqual([]);
  });

  it('prints the help of a command, whichever way it is asked', async () => {
    const { parts: two } = recorded();
    expect(await caught(two, ['help', 'two'])).toMatchObject({
      code: 0,
      text: expect.stringContaining('--loud'),
    });
    expect(await caught(two, ['two', '--help'])).toMatchObject({
      code: 0,
      text: expect.stringContaining('--loud'),
    });
  });

  it.each([
    { args: [], says: 'Usage: byoa' },
    { args: ['tow'], says: 'Did you mean two?' },
    { args: ['--wrong'], says: '--wrong' },
    { args: ['two', '--lout'], says: 'Did you mean --loud?' },
    { args: ['toString'], says: "unknown command 'toString'" },
  ])('refuses $args with exit code 2', async ({ args, says }) => {
    const { parts: two, ran } = recorded();
    expect(await caught(two, args)).toEqual({ code: 2, text: expect.stringContaining(says) });
    expect(ran).toEqual([]);
  });

  it.each(parts.map((part) => ({ part, names: Object.keys(part.commands) })))(
    'lists $names as their module registers them',
    async ({ part, names }) => {
      const program = await assemble('1.2.3', [part], [names[0] ?? '']);
      expect(program.commands.map((command) => command.name()).sort()).toEqual([...names].sort());
    },
  );

  it('lists every command once', () => {
    const names = frame('1.2.3', parts).commands.map((command) => command.name());
    expect(new Set(names).size).toBe(names.length);
  });
});
