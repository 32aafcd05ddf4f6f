/** Groups that own several kinds of things: what is moved before what, and that nothing is left between. */
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../controller/config.ts';
import { design, die } from './designs.ts';
import { addDaemon, ec2, run, texts } from './stage.ts';

describe('a group of an ENI and routes', () => {
  const pair = () => {
    const made = design({ kind: 'eni' });
    const { stage, enis } = made;
    const [table = ''] = made.tables;
    const route = { RouteTableId: table, DestinationCidrBlock: '0.0.0.0/0' };
    ec2(stage, 'ReplaceRoute', { ...route, NetworkInterfaceId: enis.a });
    const routes: NonNullable<ConfigInput['groups']>[number]['routes'] = [
      { table, destinations: ['0.0.0.0/0'] },
    ];
    for (const name of ['a', 'b']) addDaemon(stage, made.config(name, { routes }));
    run(stage, 5000);
    return made;
  };

  it('moves the ENI first, and the routes when it is seen to be attached', () => {
    const made = pair();
    const { stage, owner } = made;
    die(made, 'a');
    run(stage, 60_000);
    expect(stage.writes.map(({ call }) => call.kind)).toEqual([
      'detach-network-interface',
      'attach-network-interface',
      'replace-route',
    ]);
    expect(owner()).toBe('b');
    const b = stage.daemons.get('b');
    expect(b === undefined ? [] : texts(b, 'moved').join()).toContain('all of it is with b');
  });

  it('leads nothing to an owner that did not get the ENI', () => {
    const made = pair();
    const { stage } = made;
    stage.faults.push({ kind: 'attach-network-interface', times: 1000, fault: { kind: 'unauthorised' } });
    die(made, 'a');
    run(stage, 30_000);
    expect(stage.writes.map(({ call }) => call.kind)).not.toContain('replace-route');
  });
});
