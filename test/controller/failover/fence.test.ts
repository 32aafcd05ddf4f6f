/** A dead owner is taken out of use before its group is moved: whole brains against the real EC2 service. */
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../controller/config.ts';
import { type Design, design, die } from '../designs.ts';
import { type GroupInput, type Pair, pair } from '../pair.ts';
import { deliver, ec2, run, texts } from '../stage.ts';

const LEASE = { kind: 'dynamodb', table: 'leases' } as const;

const stopping = (kind: 'routes' | 'eni', stopMs: number, group: GroupInput = {}): Pair =>
  pair({ kind, lease: LEASE, cloud: { stopMs } }, { fence: 'stop-instance', ...group });

const kindsOf = ({ stage }: Design): string[] => stage.writes.map(({ call }) => call.kind);

function stateOf({ stage, instances }: Design, name: string): string {
  const found = ec2(stage, 'DescribeInstances', { InstanceIds: [instances[name]] }) as unknown as {
    Reservations: { Instances: { State: { Name: string } }[] }[];
  };
  return found.Reservations[0]?.Instances[0]?.State.Name ?? 'gone';
}

describe.each(['routes', 'eni'] as const)('stop-instance, by %s', (kind) => {
  it('stops the owner and waits until it is stopped; then the group is moved, and the time told', () => {
    const made = stopping(kind, 30_000);
    const { stage, owner, b } = made;
    die(made.made, 'a');
    run(stage, 60_000, () => kindsOf(made).length > 1);
    expect(kindsOf(made)[0]).toBe('stop-instances');
    expect(stateOf(made, 'a')).toBe('stopped');
    expect(stage.writes[0]?.call).toMatchObject({ instances: [made.instances.a] });
    run(stage, 80_000);
    expect(owner()).toBe('b');
    expect(texts(b, 'fenced')[0]).toMatch(/^a is fenced after 3\d(\.\d+)? s: its instance is stopped\.$/);
    expect(texts(b, 'moved')[0]).toMatch(/^Moved g from a to b in 3\S+ s, 3\S+ s of it for the fence: /);
    expect(kindsOf(made).filter((one) => one === 'stop-instances')).toHaveLength(1);
  });

  it('holds, with an alarm, while the stop is stuck; and goes on as soon as it is not', () => {
    const made = stopping(kind, 300_000, { fenceTimeout: '1m', hooks: { 'on-fail': { command: ['x'] } } });
    const { stage, owner, b } = made;
    die(made.made, 'a');
    run(stage, 200_000);
    expect(new Set(kindsOf(made))).toEqual(new Set(['stop-instances']));
    expect(texts(b, 'alarm')).toEqual([
      'g is not moved to b: a is not fenced after 60 s (its instance is stopping). Goes on trying; ' +
        'fence: none and a reload move it without.',
    ]);
    expect(b.hooks).toEqual(['on-fail']);
    // It is asked for again after each such time, and not more often.
    expect(kindsOf(made)).toHaveLength(4);
    run(stage, 330_000);
    expect(owner()).toBe('b');
  });
});

describe('stop-instance', () => {
  it('is repeated when its outcome is not known, and what EC2 shows counts', () => {
    const made = stopping('routes', 2000);
    made.stage.faults.push({ kind: 'stop-instances', times: 2, fault: { kind: 'lost' } });
    die(made.made, 'a');
    run(made.stage, 40_000);
    expect(made.owner()).toBe('b');
    expect(kindsOf(made).filter((kind) => kind === 'stop-instances')).toHaveLength(3);
  });

  it('that is not allowed leaves the group where it is, and says so', () => {
    const made = stopping('routes', 2000);
    made.stage.faults.push({ kind: 'stop-instances', times: 99, fault: { kind: 'unauthorised' } });
    die(made.made, 'a');
    run(made.stage, 40_000);
    expect(made.owner()).toBe('a');
    expect(texts(made.b, 'moved')[0]).toContain(
      'a cannot be fenced (stop-instance): UnauthorizedOperation: You are not authorized.',
    );
  });

  it('has nothing to do where the instance is gone', () => {
    const made = stopping('routes', 2000);
    ec2(made.stage, 'TerminateInstances', { InstanceIds: [made.instances.a] });
    die(made.made, 'a');
    run(made.stage, 40_000);
    expect(made.owner()).toBe('b');
  });

  it('is for deaths only: what an operator orders stops nobody', () => {
    const made = stopping('routes', 2000);
    for (const daemon of [made.a, made.b])
      deliver(made.stage, daemon, { kind: 'command', id: 1, command: { kind: 'drain', appliance: 'a' } });
    run(made.stage, 30_000);
    expect(made.owner()).toBe('b');
    expect(stateOf(made, 'a')).toBe('running');
  });

  it('needs a lease', () => {
    const checked = checkConfig(design().config('a', { fence: 'stop-instance' }));
    expect(checked.ok ? [] : checked.error).toMatchObject([
      {
        field: 'groups[0].fence',
        why: 'two daemons that cannot see each other would stop each other',
        remedy: expect.stringContaining('configure a lease'),
      },
    ]);
  });
});

describe('detach-eni', () => {
  it('detaches the ENI that the owner forwards by, and then moves the routes', () => {
    const made = pair({ second: true }, { fence: 'detach-eni' });
    const { stage, owner, b } = made;
    die(made.made, 'a');
    run(stage, 40_000);
    expect(kindsOf(made)).toEqual(['detach-network-interface', 'replace-route']);
    expect(owner()).toBe('b');
    expect(texts(b, 'fenced')[0]).toContain('its ENI is detached');
  });

  it('is refused for a primary ENI: the group stays, and it is said why', () => {
    const made = pair({}, { fence: 'detach-eni' });
    die(made.made, 'a');
    run(made.stage, 40_000);
    expect(made.stage.writes).toEqual([]);
    expect(texts(made.b, 'moved')[0]).toContain(
      `a cannot be fenced (detach-eni): ${made.enis.a} is the primary ENI of ${made.instances.a}, which cannot be detached`,
    );
  });
});
