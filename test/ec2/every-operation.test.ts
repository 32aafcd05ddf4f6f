/** What holds for every operation that has the parameter: DryRun, ClientToken, filters and pages. */
import { describe, expect, it } from 'vitest';
import { takeChanges } from '../../sim/ec2/service.ts';
import { operationOf } from '../../sim/ec2/shape.ts';
import { PARAMETERS } from './provider-calls.ts';
import { snapshot } from './snapshot.ts';
import { example, OPERATIONS, type Operation, specimen } from './specimen.ts';

const having = (...names: readonly string[]): readonly (readonly [string, Operation])[] =>
  OPERATIONS.flatMap((operation) => {
    const input = operationOf(operation.service, operation.action)?.input;
    const has = input?.kind === 'structure' && names.every((name) => input.byName.has(name));
    return has ? [[operation.action, operation] as const] : [];
  });

/** Filters and pages are each service's own. */
const inEc2 = (...names: readonly string[]) =>
  having(...names).filter(([, { service }]) => service === 'ec2');

describe('DryRun', () => {
  const at = specimen();
  const untouched = snapshot(at.cloud);
  takeChanges(at.cloud);

  it.each(having('DryRun'))('of %s never succeeds and changes nothing', (_, operation) => {
    const input = example(operation, at.known);
    const tried = at.ask(operation, { ...input, DryRun: true });
    expect(tried.kind).toBe('error');
    expect([snapshot(at.cloud), takeChanges(at.cloud)]).toEqual([untouched, []]);
    const own = specimen();
    const done = own.ask(operation, example(operation, own.known));
    if (done.kind === 'ok') expect(tried).toMatchObject({ code: 'DryRunOperation', status: 412 });
  });
});

describe('ClientToken', () => {
  it.each(having('ClientToken'))('of %s makes it idempotent', (_, operation) => {
    const at = specimen();
    const input = { ...example(operation, at.known), ClientToken: 'a-token' };
    const first = at.ask(operation, input);
    const once = snapshot(at.cloud);
    if (first.kind === 'ok') {
      expect(at.ask(operation, input)).toEqual(first);
      expect(snapshot(at.cloud)).toBe(once);
      const other = at.ask(operation, { ...input, TagSpecifications: [] });
      expect(other).toMatchObject({ code: 'IdempotentParameterMismatch' });
    }
    for (const ClientToken of ['x'.repeat(65), 'caf\u00e9', 'two words\n']) {
      expect(at.ask(operation, { ...input, ClientToken })).toMatchObject({ code: 'InvalidClientToken' });
    }
    expect(snapshot(at.cloud)).toBe(once);
  });

  it('of a launch whose instances are terminated is refused', () => {
    const at = specimen();
    const run = { service: 'ec2', action: 'RunInstances' } as const;
    const input = { ...example(run, at.known), ClientToken: 'launch' };
    const first = at.ask(run, input);
    const [made] =
      first.kind === 'ok' ? (first.output as { Instances: { InstanceId: string }[] }).Instances : [];
    at.ask({ service: 'ec2', action: 'TerminateInstances' }, { InstanceIds: [made?.InstanceId] });
    expect(at.ask(run, input)).toMatchObject({ code: 'IdempotentInstanceTerminated' });
  });
});

describe('filters', () => {
  const at = specimen();

  it.each(inEc2('Filters'))(
    'of %s: tags are known, others are not, and none may be empty',
    (_, operation) => {
      const by = (Name: string, Values?: string[]): unknown => {
        const Filters = [{ Name, ...(Values && { Values }) }];
        const reply = at.ask(operation, { ...example(operation, at.known), Filters });
        return reply.kind === 'ok' ? 'ok' : reply.code;
      };
      expect([by('colour', ['red']), by('tag:Name')]).toEqual([
        'InvalidParameterValue',
        'InvalidParameterValue',
      ]);
      const plain = at.ask(operation, example(operation, at.known));
      expect(by('tag-key', ['*'])).toBe(plain.kind === 'ok' ? 'ok' : plain.code);
    },
  );

  const asked = Object.entries(PARAMETERS).flatMap(([operation, parameters]) => {
    const names = [...parameters.matchAll(/Filter=(\S+)/g)].flatMap(([, list = '']) => list.split('+'));
    return names.length > 0 ? [[operation.slice('ec2:'.length), names] as const] : [];
  });
  it.each(asked)('of %s: those that the Terraform provider asks with: %j', (action, names) => {
    const operation: Operation = { service: 'ec2', action };
    const Filters = names.map((Name) => ({ Name, Values: ['0.0.0.0/0'] }));
    expect(at.ask(operation, { ...example(operation, at.known), Filters })).toMatchObject({ kind: 'ok' });
  });
});

describe('pages', () => {
  const at = specimen();

  it.each(having('Marker', 'PageSize', 'Names'))(
    'of %s: one after the other, with a marker of ours',
    (_, operation) => {
      const own = specimen();
      const make = {
        service: operation.service,
        action: operation.action.replace(/^Describe(.*)s$/, 'Create$1'),
      };
      for (const Name of ['second', 'third']) {
        expect(own.ask(make, { ...example(make, own.known), Name })).toMatchObject({ kind: 'ok' });
      }
      const rows = (input: object): { readonly names: string[]; readonly NextMarker?: string } => {
        const reply = own.ask(operation, input);
        const output = reply.kind === 'ok' ? (reply.output as Record<string, unknown>) : {};
        const list = Object.values(output).find(Array.isArray) ?? [];
        return { ...output, names: list.map((row) => JSON.stringify(row)) };
      };
      const seen: string[] = [];
      for (let marker: string | undefined = ''; marker !== undefined; ) {
        const { names, NextMarker } = rows({ PageSize: 1, ...(marker !== '' && { Marker: marker }) });
        expect(names).toHaveLength(1);
        seen.push(...names);
        marker = NextMarker;
      }
      expect(seen).toEqual(rows({}).names);
      expect(seen).toHaveLength(3);
      for (const wrong of [{ PageSize: 0 }, { PageSize: 401 }, { Marker: 'no marker' }]) {
        expect(own.ask(operation, wrong)).toMatchObject({ code: 'ValidationError' });
      }
    },
  );

  it.each(inEc2('NextToken', 'MaxResults'))('of %s: sizes are bounded, tokens are ours', (_, operation) => {
    const input = example(operation, at.known);
    const whole = at.ask(operation, input);
    if (whole.kind !== 'ok') return expect(whole.code).not.toBe('InvalidAction');
    for (const MaxResults of [0, -1, 1_000_000]) {
      expect(at.ask(operation, { ...input, MaxResults })).toMatchObject({ code: 'InvalidParameterValue' });
    }
    expect(at.ask(operation, { ...input, NextToken: 'no token' })).toMatchObject({
      code: 'InvalidNextToken',
    });
    expect(at.ask(operation, { ...input, MaxResults: 100 })).toMatchObject({ kind: 'ok' });
  });
});
