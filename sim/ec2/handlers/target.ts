/**
 * The targets of a target group and their health. Who checks them is the data plane, by packets; what it
 * finds comes in by `takeHealth`.
 */
import type {
  DeregisterTargetsInput,
  DescribeTargetHealthInput,
  DescribeTargetHealthOutput,
  RegisterTargetsInput,
  TargetDescription,
  TargetHealth,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { parseAddress } from '../../../controller/base/ip.ts';
import { unreachable } from '../../../controller/base/result.ts';
import { invalid } from '../elastic-load-balancing.ts';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import type { TargetGroupRecord, TargetRecord } from '../record/load-balancer.ts';
import { refuse } from '../refusal.ts';

const KIND = 'target-group';
const GENEVE_PORT = 6081;

const firstState = (group: TargetGroupRecord): TargetRecord['state'] =>
  group.loadBalancers.length > 0 ? 'initial' : 'unused';

/** Finds out which load balancers use a group: its targets are used, or unused, from now on. */
export function refreshUse(tx: Tx, arn: string): void {
  const group = tx.get(KIND, arn);
  if (group === undefined) return;
  const listeners = tx.referring('listener', arn).filter((each) => each.targetGroup === arn);
  const loadBalancers = listeners.map((each) => each.loadBalancer);
  const used = loadBalancers.length > 0;
  const targets = group.targets.map((target): TargetRecord => {
    if (target.state === 'draining' || (target.state !== 'unused') === used) return target;
    return { ...target, state: used ? 'initial' : 'unused', streak: 0 };
  });
  tx.put(KIND, { ...group, loadBalancers, targets });
}

function targetOf(
  tx: Tx,
  group: TargetGroupRecord,
  { Id: id = '', ...given }: TargetDescription,
): TargetRecord {
  if (given.Port !== undefined && given.Port !== GENEVE_PORT) invalid('The port of a GENEVE target is 6081.');
  const state = firstState(group);
  if (group.targetType === 'instance') {
    const instance = tx.get('instance', id);
    if (instance?.state !== 'running') {
      const why = `The following targets are not in a running state: '${id}'`;
      return refuse('InvalidTarget', why);
    }
    if (instance.vpc !== group.vpc) {
      const why = `The following targets are not in the target group's VPC: '${id}'`;
      refuse('InvalidTarget', why);
    }
    const primary = tx.referring('network-interface', id).find((eni) => eni.attachment?.deviceIndex === 0);
    return { id, address: primary?.ipv4[0] ?? '', zone: instance.zone, state, streak: 0 };
  }
  const address = parseAddress(id);
  if (!address.ok || address.value.family !== 4) return invalid(`The IP address '${id}' is not valid.`);
  const owner = tx.referring('network-interface', group.vpc).find((eni) => eni.ipv4.includes(id));
  const zone = owner?.zone ?? given.AvailabilityZone ?? 'all';
  return { id, address: id, ...(zone !== 'all' && { zone }), state, streak: 0 };
}

function register(tx: Tx, input: RegisterTargetsInput): object {
  const group = tx.need(KIND, input.TargetGroupArn ?? '');
  const wanted = (input.Targets ?? []).map((each) => targetOf(tx, group, each));
  const kept = group.targets.filter(
    ({ id, state }) => state !== 'draining' || !wanted.some((each) => each.id === id),
  );
  const added = wanted.filter(({ id }) => !kept.some((each) => each.id === id));
  tx.put(KIND, { ...group, targets: [...kept, ...added] });
  return {};
}

/** What a draining target is named by in a transition. */
const nameOf = (group: string, target: string): string => `${group} ${target}`;

function deregister(tx: Tx, input: DeregisterTargetsInput): object {
  const group = tx.need(KIND, input.TargetGroupArn ?? '');
  const ids = (input.Targets ?? []).map(({ Id = '' }) => Id);
  const delayMs = Number(group.attributes['deregistration_delay.timeout_seconds']) * 1000;
  const targets = group.targets.flatMap((target): TargetRecord[] => {
    if (!ids.includes(target.id)) return [target];
    if (target.state === 'unused') return [];
    tx.after(delayMs, { name: 'target-deregistered', id: nameOf(group.id, target.id) });
    return [{ ...target, state: 'draining' }];
  });
  tx.put(KIND, { ...group, targets });
  return {};
}

function shownHealth({ state }: TargetRecord): TargetHealth {
  switch (state) {
    case 'healthy':
      return { State: state };
    case 'initial':
      return {
        State: state,
        Reason: 'Elb.InitialHealthChecking',
        Description: 'Initial health checks in progress',
      };
    case 'unhealthy':
      return { State: state, Reason: 'Target.FailedHealthChecks', Description: 'Health checks failed' };
    case 'draining':
      return {
        State: state,
        Reason: 'Target.DeregistrationInProgress',
        Description: 'Target deregistration is in progress',
      };
    case 'unused':
      return {
        State: state,
        Reason: 'Target.NotInUse',
        Description: 'Target group is not configured to receive traffic from the load balancer',
      };
    default:
      return unreachable(state);
  }
}

function describeHealth(tx: Tx, input: DescribeTargetHealthInput): DescribeTargetHealthOutput {
  const group = tx.need(KIND, input.TargetGroupArn ?? '');
  const asked = input.Targets?.map(({ Id }) => Id);
  const found = group.targets.filter(({ id }) => asked === undefined || asked.includes(id));
  const absent = (asked ?? []).filter((id) => !found.some((each) => each.id === id));
  return {
    TargetHealthDescriptions: [
      ...found.map((target) => ({
        Target: {
          Id: target.id,
          Port: GENEVE_PORT,
          ...(group.targetType === 'ip' && { AvailabilityZone: target.zone ?? 'all' }),
        },
        HealthCheckPort: group.healthPort,
        TargetHealth: shownHealth(target),
      })),
      ...absent.map((Id) => ({
        Target: { Id, Port: GENEVE_PORT },
        TargetHealth: {
          State: 'unused' as const,
          Reason: 'Target.NotRegistered' as const,
          Description: 'Target is not registered to the target group',
        },
      })),
    ],
  };
}

/** A health check of a target has ended: its state changes after as many results as the group says. */
export function takeHealth(tx: Tx, arn: string, id: string, passed: boolean): void {
  const group = tx.get(KIND, arn);
  const target = group?.targets.find((each) => each.id === id);
  if (group === undefined || target === undefined) return;
  const next = judged(target, passed, group.health);
  if (next === target) return;
  tx.put(KIND, { ...group, targets: group.targets.map((each) => (each === target ? next : each)) });
}

/** A new target needs one good result only. */
function judged(target: TargetRecord, passed: boolean, health: TargetGroupRecord['health']): TargetRecord {
  const { state, streak } = target;
  if (state === 'draining' || state === 'unused') return target;
  if (state === 'initial' && passed) return { ...target, state: 'healthy', streak: 0 };
  if (state !== 'initial' && passed === (state === 'healthy'))
    return streak === 0 ? target : { ...target, streak: 0 };
  const enough = streak + 1 >= (passed ? health.healthy : health.unhealthy);
  if (!enough) return { ...target, streak: streak + 1 };
  return { ...target, state: passed ? 'healthy' : 'unhealthy', streak: 0 };
}

export const targetHandlers: Handlers = {
  RegisterTargets: handler(register),
  DeregisterTargets: handler(deregister),
  DescribeTargetHealth: handler(describeHealth),
};

export const targetTransitions: Transitions = {
  'target-deregistered': (tx, name) => {
    const [arn = '', id = ''] = name.split(' ');
    const group = tx.get(KIND, arn);
    if (group === undefined) return;
    const targets = group.targets.filter((each) => each.id !== id || each.state !== 'draining');
    tx.put(KIND, { ...group, targets });
  },
};
