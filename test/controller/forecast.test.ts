/** What a plan says beforehand, of a daemon and of a world in a file; and that it is what is sent. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { must } from '../../controller/base/result.ts';
import { type ConfigInput, checkConfig } from '../../controller/config.ts';
import type { Forecast } from '../../controller/failover/forecast.ts';
import { answerBy, formatPlan } from '../../controller/shell/plan.ts';
import { handle } from '../../sim/ec2/service.ts';
import { readDescribed } from '../../sim/server/described.ts';
import { createWorld } from '../../sim/world/world.ts';
import { worldLines } from '../../sim/world/world-file.ts';
import { deployPair } from '../world/pair.ts';
import { die } from './designs.ts';
import { type PreparedDesign, prefixes, preparedDesign, preparedPair } from './prepared.ts';
import { type Daemon, deliver, ec2, run } from './stage.ts';

interface Asked {
  readonly group?: string;
  readonly fail?: string;
  readonly to?: string;
}

/** What a daemon answers. */
function ask(made: PreparedDesign & { readonly b: Daemon }, { group = 'g', fail = 'a', to }: Asked = {}) {
  deliver(made.stage, made.b, { kind: 'command', id: 9, command: { kind: 'plan', group, fail, to } });
  return made.b.replies.at(-1) as {
    readonly ok: boolean;
    readonly body: Forecast & { readonly message?: string };
  };
}

/** What the stage's EC2 describes to a node that only observes: buckets are full. */
function offline(made: PreparedDesign, group: object = {}): Forecast {
  const config = must(checkConfig(made.config('b', { routes: made.routes, ...group })));
  const request = { account: '123456789012', region: 'eu-central-1', service: 'ec2' } as const;
  const described = (action: string, input: object): unknown => {
    const reply = handle(made.stage.cloud, { ...request, action, input }, made.stage.now);
    return reply.kind === 'ok' ? reply.output : {};
  };
  const answer = answerBy(config, { kind: 'plan', group: 'g', fail: 'a' }, [described]);
  if (!answer.ok) throw new Error(answer.body.message);
  return answer.body;
}

describe('a plan', () => {
  it('is what the daemon then sends, in the same order', () => {
    const made = preparedPair({ count: 3, perTable: prefixes(4) });
    const { ok, body } = ask(made);
    expect({ ok, to: body.to, batches: body.batches, predictedMs: body.predictedMs }).toEqual({
      ok: true,
      to: 'b',
      batches: 1,
      predictedMs: 150,
    });
    expect(body.plain).toEqual({ calls: 12, predictedMs: 150 });
    expect(body.oneByOne).toEqual({ calls: 12, predictedMs: 1800 });
    die(made, 'a');
    run(made.stage, 20_000);
    const sent = made.stage.writes.map(({ call }) =>
      'place' in call ? `${call.place} ${call.table}` : call.kind,
    );
    expect(body.calls.map(({ text }) => text)).toEqual(
      sent.map((one) => `ReplaceRouteTableAssociation of ${one.replace(' ', ' to ')}`),
    );
  });
  it('tells batches as the buckets allow, default routes first, and misses an objective', () => {
    const made = preparedDesign({ count: 2, perTable: [...prefixes(40), '0.0.0.0/0'], filled: false });
    const plan = offline(made, { objective: '3s' });
    expect(plan.calls).toHaveLength(82);
    expect(plan.calls.slice(0, 2).map(({ input }) => input.DestinationCidrBlock)).toEqual([
      '0.0.0.0/0',
      '0.0.0.0/0',
    ]);
    expect(plan).toMatchObject({ batches: 33, predictedMs: 6550, objectiveMs: 3000, meetsObjective: false });
    const text = formatPlan(plan);
    expect(text).toContain('g: b takes over from a by 82 calls, 6.55 s in 33 batches (objective 3 s).');
    expect(text).toContain('... and 62 more, the last at 6.4 s; --json lists all.');
    expect(text).toContain('cannot be used: it does not lead 41 of 41 routes to b');
    expect(text).toContain('! 6.55 s exceed the objective of 3 s: prepare a table');
  });
  it('counts from what is left in the buckets of a running daemon', () => {
    const made = preparedPair({ perTable: prefixes(30), filled: false });
    ec2(made.stage, 'DeleteRouteTable', { RouteTableId: made.prepared.b[0] });
    run(made.stage, 20_000);
    expect(ask(made).body.predictedMs).toBe(150);
    made.b.node = {
      ...made.b.node,
      resources: {
        ...made.b.node.resources,
        budget: { 'replace-route': { tokens: 10, at: made.stage.now } },
      },
    };
    expect(ask(made).body.predictedMs).toBe(4150);
  });
  it('counts a fence first, and all else after it', () => {
    const made = preparedPair();
    const plan = offline(made, { fence: 'detach-eni' });
    expect(plan.calls.map(({ action, batch }) => [action, batch])).toEqual([
      ['DetachNetworkInterface', 1],
      ['ReplaceRouteTableAssociation', 2],
    ]);
    expect(plan.predictedMs).toBe(10_450);
    expect(plan.notes.join()).toContain('The fence (detach-eni) is counted with 10 s');
  });
  it('is empty where the appliance has nothing, and refused where it makes no sense', () => {
    const made = preparedPair();
    expect(ask(made, { fail: 'b' }).body).toMatchObject({
      calls: [],
      notes: ['b has nothing of it: a owns it.'],
    });
    expect(ask(made, { fail: 'b', to: 'b' }).body.message).toContain('b cannot take over from itself');
    expect(ask(made, { fail: 'x' }).body.message).toContain(
      "'x' is not a member of g; the members are a, b.",
    );
    expect(ask(made, { group: 'x' }).body.message).toContain("There is no group 'x'; the groups are g.");
  });
  it('is made of a world in a file', () => {
    const world = createWorld();
    const pair = deployPair(world);
    const file = join(mkdtempSync(join(tmpdir(), 'plan-')), 'world.jsonl');
    writeFileSync(file, [...worldLines(world, 0)].join(''));
    const probes = [{ kind: 'icmp' as const }, { kind: 'icmp' as const, name: 'own', from: 'self' as const }];
    const appliance = (name: 'a' | 'b') => ({
      name,
      address: pair[name].address,
      eni: pair[name].eni,
      probes,
    });
    const input: ConfigInput = {
      version: 1,
      node: 'a',
      aws: { region: 'eu-central-1' },
      appliances: [appliance('a'), appliance('b')],
      groups: [
        { name: 'g', members: ['a', 'b'], routes: [{ table: pair.table, destinations: ['0.0.0.0/0'] }] },
      ],
    };
    const question = { kind: 'plan', group: 'g', fail: 'a' } as const;
    const answer = answerBy(must(checkConfig(input)), question, readDescribed(file, 'eu-central-1'));
    const [call] = answer.ok ? answer.body.calls : [];
    expect(call?.text).toBe(`ReplaceRoute 0.0.0.0/0 of ${pair.table} to ${pair.b.eni}`);
    expect(() => answerBy(must(checkConfig(input)), question, readDescribed(file, 'us-east-1'))).toThrow(
      'the world has none of the appliances',
    );
  });
});
