/** The test engine with a provider of boxes: every kind of step, every option, every failure; no AWS. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { bench, changes } from './boxes.ts';

// A program of its own takes seconds to start where other tests run beside it.
vi.setConfig({ testTimeout: 180_000 });

const SMALL = { name: 'small', size: 1, on: 'big' };
const BIG = { name: 'big', size: 9 };

describe('up', () => {
  it('creates in dependency order, then changes nothing, then deletes what the program dropped', async () => {
    const { run, world } = bench();
    const first = await run('up', [BIG, SMALL]);
    expect(world.log).toEqual(['create big', 'create small']);
    expect(first.outputs).toMatchObject({ ids: { big: 'box-1', small: 'box-2' }, twice: 42 });
    const second = await run('up', [BIG, SMALL]);
    expect(changes(second.steps)).toEqual([]);
    expect(second.outputs).toEqual(first.outputs);
    const third = await run('up', [BIG]);
    expect(changes(third.steps)).toEqual(['delete small']);
    expect(world.boxes.size).toBe(1);
  });

  it('updates in place what can change', async () => {
    const { run, world } = bench();
    await run('up', [BIG]);
    const { steps } = await run('up', [{ ...BIG, colour: 'red' }]);
    expect(steps.find((step) => step.name === 'big')).toMatchObject({ kind: 'update', changed: ['colour'] });
    expect(world.boxes.get('box-1')).toMatchObject({ colour: 'red' });
  });

  it('replaces: makes the new ones from the ground up, then deletes the old ones from the top down', async () => {
    const { run, world } = bench();
    await run('up', [BIG, SMALL]);
    world.log.length = 0;
    await run('up', [{ ...BIG, size: 8 }, SMALL]);
    expect(world.log).toEqual(['create big', 'create small', 'delete small', 'delete big']);
  });

  it('deletes first where asked, and takes down what stands on it', async () => {
    const { run, world } = bench();
    const options = { deleteBeforeReplace: true };
    await run('up', [{ ...BIG, options }, SMALL, { name: 'other', beside: 'big' }]);
    world.log.length = 0;
    await run('up', [{ ...BIG, size: 8, options }, SMALL, { name: 'other', beside: 'big' }]);
    expect(world.log).toEqual(
      ['delete small', 'delete big', 'create big', 'create small', 'update other'].sort(byLog(world.log)),
    );
    expect(world.log.slice(0, 3)).toEqual(['delete small', 'delete big', 'create big']);
  });

  it('keeps what ignoreChanges names, also inside a property', async () => {
    const { run, world } = bench();
    const box = (colour: string, a: string, b: string) => ({
      ...BIG,
      colour,
      labels: { a, b },
      options: { ignoreChanges: ['colour', 'labels.a'] },
    });
    await run('up', [box('red', '1', '1')]);
    const { steps } = await run('up', [box('blue', '2', '2')]);
    expect(steps.find((step) => step.name === 'big')).toMatchObject({ kind: 'update', changed: ['labels'] });
    expect(world.boxes.get('box-1')).toMatchObject({ colour: 'red', labels: { a: '1', b: '2' } });
  });

  it('knows a renamed resource by its alias', async () => {
    const { run } = bench();
    await run('up', [BIG]);
    const { steps } = await run('up', [{ name: 'huge', size: 9, options: { aliases: [{ name: 'big' }] } }]);
    expect(changes(steps)).toEqual(['update huge']);
  });

  it('keeps secrets marked in the state and in the outputs', async () => {
    const { run, state } = bench();
    const { outputs, secretOutputs } = await run('up', [{ ...BIG, secretNote: 'hush' }], {
      'box:password': 'sesame',
    });
    expect([outputs.hidden, secretOutputs]).toEqual(['sesame', ['hidden']]);
    expect(state()).toContain('"plaintext": "\\"hush\\""');
    expect(
      JSON.parse(state()).deployment.resources.find((one: { urn: string }) => one.urn.endsWith('::big'))
        .outputs,
    ).toEqual(expect.objectContaining({ secretNote: expect.objectContaining({ plaintext: '"hush"' }) }));
    expect(
      changes((await run('up', [{ ...BIG, secretNote: 'hush' }], { 'box:password': 'sesame' })).steps),
    ).toEqual([]);
  });
});

describe('preview', () => {
  it('shows the steps of a first deployment, and makes nothing', async () => {
    const { run, world, stateFile } = bench();
    const { steps } = await run('preview', [BIG, SMALL]);
    expect(changes(steps)).toEqual(['create big', 'create small']);
    expect([world.log, existsSync(stateFile)]).toEqual([[], false]);
  });

  it('shows that what stands on a replaced box is replaced too', async () => {
    const { run, world, state } = bench();
    await run('up', [BIG, SMALL]);
    const before = state();
    const { steps } = await run('preview', [{ ...BIG, size: 8 }, SMALL]);
    expect(changes(steps)).toEqual(['replace big', 'replace small', 'delete small', 'delete big']);
    expect([world.boxes.size, state()]).toEqual([2, before]);
  });
});

describe('failures', () => {
  it('a failed creation stops the deployment, keeps what was made, and says what failed', async () => {
    const { run, world } = bench();
    world.failing.add('small');
    await expect(run('up', [BIG, SMALL])).rejects.toThrow(
      /create of box:index:Box 'small' failed: no room for small/,
    );
    world.failing.clear();
    expect(changes((await run('up', [BIG, SMALL])).steps)).toEqual(['create small']);
  });

  it('a program that waits for what failed does not hold up the end', async () => {
    const { run, world } = bench();
    world.failing.add('small');
    await expect(run('up', [BIG, SMALL], { 'box:wait': 'true' })).rejects.toThrow(/no room for small/);
    world.failing.clear();
    expect(changes((await run('up', [BIG, SMALL], { 'box:wait': 'true' })).steps)).toEqual(['create small']);
  });

  it('a program that breaks deletes nothing', async () => {
    const { run, runApart, world } = bench();
    await run('up', [BIG, SMALL]);
    const broken = { 'box:break': 'true' };
    await expect(run('up', [BIG], broken)).rejects.toThrow(/the program broke on purpose/);
    await expect(runApart('up', [BIG], broken)).rejects.toThrow(/the program broke on purpose/);
    expect(world.boxes.size).toBe(2);
    expect(changes((await run('up', [BIG, SMALL])).steps)).toEqual([]);
  });

  it('a failed deletion after a replacement is made up for by the next deployment', async () => {
    const { run, world } = bench();
    await run('up', [BIG]);
    world.failing.add('big');
    await expect(run('destroy')).rejects.toThrow(/big is glued down/);
    world.failing.clear();
    await run('destroy');
    expect(world.boxes.size).toBe(0);
  });

  it('a replaced box that could not be deleted is deleted by the next deployment', async () => {
    const { run, world } = bench();
    await run('up', [{ name: 'first', size: 1 }]);
    world.boxes.set('glue', { label: 'glue', on: 'box-1' });
    await expect(run('up', [{ name: 'first', size: 2 }])).rejects.toThrow(/glue stands on first/);
    world.boxes.delete('glue');
    expect(changes((await run('up', [{ name: 'first', size: 2 }])).steps)).toEqual(['delete first']);
    expect([...world.boxes.keys()]).toEqual(['box-2']);
  });

  it('refuses inputs that the provider refuses, with its words', async () => {
    const { run } = bench();
    await expect(run('preview', [{ ...BIG, colour: 'invisible' }])).rejects.toThrow(/a box must be seen/);
  });

  it('names a type that it does not know', async () => {
    const { run } = bench();
    await expect(run('up', [{ name: 'x', type: 'crate:index:Crate' }])).rejects.toThrow(
      /no provider 'crate'/,
    );
  });

  it('does not delete or replace what is protected', async () => {
    const { run, world } = bench();
    const options = { protect: true };
    await run('up', [{ ...BIG, options }]);
    await expect(run('up', [{ ...BIG, size: 8, options }])).rejects.toThrow(/is protected/);
    await expect(run('destroy')).rejects.toThrow(/is protected/);
    expect(world.boxes.size).toBe(1);
  });

  it('refuses a second deployment with the same state at the same time', async () => {
    const { run } = bench();
    const first = run('up', [BIG]);
    await expect(run('up', [BIG])).rejects.toThrow(/is deploying with/);
    await first;
  });

  it('refuses a state file that is not one', async () => {
    const { run, stateFile } = bench();
    writeFileSync(stateFile, '{"version":1}');
    await expect(run('up', [BIG])).rejects.toThrow(/not a Pulumi deployment of version 3/);
  });
});

describe('refresh and destroy', () => {
  it('adopts what was changed outside, and the next up puts it back', async () => {
    const { run, world } = bench();
    await run('up', [{ ...BIG, colour: 'red' }]);
    world.boxes.set('box-1', { ...world.boxes.get('box-1'), colour: 'grey' });
    const refreshed = await run('refresh');
    expect(refreshed.steps.find((step) => step.name === 'big')).toMatchObject({
      kind: 'refresh',
      changed: ['colour'],
    });
    expect(changes((await run('up', [{ ...BIG, colour: 'red' }])).steps)).toEqual(['update big']);
    expect(world.boxes.get('box-1')).toMatchObject({ colour: 'red' });
  });

  it('leaves alone what was changed outside where ignoreChanges names it', async () => {
    const { run, world } = bench();
    const box = { ...BIG, colour: 'red', options: { ignoreChanges: ['colour'] } };
    await run('up', [box]);
    world.boxes.set('box-1', { ...world.boxes.get('box-1'), colour: 'grey' });
    await run('refresh');
    expect(changes((await run('up', [box])).steps)).toEqual([]);
    expect(world.boxes.get('box-1')).toMatchObject({ colour: 'grey' });
  });

  it('forgets what is gone, and the next up makes it again', async () => {
    const { run, world } = bench();
    await run('up', [BIG]);
    world.boxes.clear();
    expect(changes((await run('refresh')).steps)).toEqual(['delete big']);
    expect(changes((await run('up', [BIG])).steps)).toEqual(['create big']);
  });

  it('destroys from the top down and leaves an empty state', async () => {
    const { run, world, state, stateFile } = bench();
    await run('up', [BIG, SMALL]);
    world.log.length = 0;
    await run('destroy');
    expect(world.log).toEqual(['delete small', 'delete big']);
    expect(JSON.parse(state()).deployment.resources).toEqual([]);
    expect(statSync(stateFile).mode & 0o077).toBe(0);
  });

  it('leaves what retainOnDelete keeps', async () => {
    const { run, world } = bench();
    await run('up', [{ ...BIG, options: { retainOnDelete: true } }]);
    await run('destroy');
    expect(world.boxes.size).toBe(1);
  });
});

const byLog = (log: readonly string[]) => (a: string, b: string) => log.indexOf(a) - log.indexOf(b);
