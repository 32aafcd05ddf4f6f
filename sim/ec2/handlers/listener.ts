/** The listener of a Gateway Load Balancer: it takes all IP packets, and names the target group. */
import type {
  Action,
  CreateListenerInput,
  CreateListenerOutput,
  DeleteListenerInput,
  DescribeListenerAttributesInput,
  DescribeListenerAttributesOutput,
  DescribeListenersInput,
  DescribeListenersOutput,
  Listener,
  ModifyListenerAttributesInput,
  ModifyListenerAttributesOutput,
  ModifyListenerInput,
  ModifyListenerOutput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  changedAttributes,
  invalid,
  newArn,
  newTags,
  pageOf,
  shownAttributes,
} from '../elastic-load-balancing.ts';
import { type Handlers, handler, type Tx } from '../handler.ts';
import type { ListenerRecord } from '../record/load-balancer.ts';
import { refuse } from '../refusal.ts';
import { refreshUse } from './target.ts';

const KIND = 'listener';
const IDLE = 'tcp.idle_timeout.seconds';

const shown = ({ id, loadBalancer, targetGroup }: ListenerRecord): Listener => ({
  ListenerArn: id,
  LoadBalancerArn: loadBalancer,
  DefaultActions: [
    {
      Type: 'forward',
      TargetGroupArn: targetGroup,
      ForwardConfig: { TargetGroups: [{ TargetGroupArn: targetGroup }] },
    },
  ],
});

/** The one target group that the actions of a listener forward to. */
function groupOf(tx: Tx, actions: readonly Action[] | undefined): string {
  const [action, ...rest] = actions ?? [];
  const [first] = action?.ForwardConfig?.TargetGroups ?? [];
  const arn = action?.TargetGroupArn ?? first?.TargetGroupArn;
  if (action?.Type !== 'forward' || arn === undefined || rest.length > 0) {
    return invalid(
      'A listener of a load balancer of type gateway has one action: forward to a target group.',
    );
  }
  return tx.need('target-group', arn).id;
}

/** Tells the load balancer and the target groups what the listener says. */
function follow(tx: Tx, { loadBalancer, targetGroup, attributes }: ListenerRecord): void {
  const balancer = tx.need('load-balancer', loadBalancer);
  tx.put('load-balancer', { ...balancer, targetGroup, tcpIdleS: Number(attributes[IDLE]) });
  refreshUse(tx, targetGroup);
}

/** Removes a listener; its target group is unused then. */
export function dropListener(tx: Tx, listener: ListenerRecord): void {
  tx.remove(KIND, listener.id);
  const { targetGroup: _, ...balancer } = tx.need('load-balancer', listener.loadBalancer);
  tx.put('load-balancer', balancer);
  refreshUse(tx, listener.targetGroup);
}

function create(tx: Tx, input: CreateListenerInput): CreateListenerOutput {
  const balancer = tx.need('load-balancer', input.LoadBalancerArn ?? '');
  if (input.Protocol !== undefined || input.Port !== undefined) {
    invalid('A listener of a load balancer of type gateway has neither protocol nor port.');
  }
  if (tx.referring(KIND, balancer.id).length > 0) {
    refuse('DuplicateListener', `A listener already exists for the load balancer '${balancer.id}'`);
  }
  const path = balancer.id.slice(balancer.id.indexOf('loadbalancer/') + 'loadbalancer/'.length);
  const listener = tx.put(KIND, {
    id: newArn(tx, `listener/${path}`),
    tags: newTags(tx, input.Tags),
    loadBalancer: balancer.id,
    targetGroup: groupOf(tx, input.DefaultActions),
    attributes: { [IDLE]: '350' },
  });
  follow(tx, listener);
  return { Listeners: [shown(listener)] };
}

function describe(tx: Tx, input: DescribeListenersInput): DescribeListenersOutput {
  const { ListenerArns: arns = [], LoadBalancerArn: balancer } = input;
  if (arns.length === 0 && balancer === undefined) {
    invalid('You must specify either listener ARNs or a load balancer ARN');
  }
  const found =
    balancer === undefined
      ? arns.map((arn) => tx.need(KIND, arn))
      : tx.referring(KIND, tx.need('load-balancer', balancer).id);
  const page = pageOf(tx, KIND, found, input);
  return { Listeners: page.records.map(shown), ...page.next };
}

function modify(tx: Tx, input: ModifyListenerInput): ModifyListenerOutput {
  const listener = tx.need(KIND, input.ListenerArn ?? '');
  const targetGroup =
    input.DefaultActions === undefined ? listener.targetGroup : groupOf(tx, input.DefaultActions);
  const changed = tx.put(KIND, { ...listener, targetGroup });
  follow(tx, changed);
  refreshUse(tx, listener.targetGroup);
  return { Listeners: [shown(changed)] };
}

function modifyAttributes(tx: Tx, input: ModifyListenerAttributesInput): ModifyListenerAttributesOutput {
  const listener = tx.need(KIND, input.ListenerArn ?? '');
  const attributes = changedAttributes(listener.attributes, input.Attributes);
  const seconds = Number(attributes[IDLE]);
  if (!(seconds >= 60 && seconds <= 6000)) invalid(`${IDLE} must be between 60 and 6000.`);
  follow(tx, tx.put(KIND, { ...listener, attributes }));
  return { Attributes: shownAttributes(attributes) };
}

export const listenerHandlers: Handlers = {
  CreateListener: handler(create),
  DescribeListeners: handler(describe),
  ModifyListener: handler(modify),
  ModifyListenerAttributes: handler(modifyAttributes),

  DescribeListenerAttributes: handler(
    (tx, input: DescribeListenerAttributesInput): DescribeListenerAttributesOutput => ({
      Attributes: shownAttributes(tx.need(KIND, input.ListenerArn ?? '').attributes),
    }),
  ),

  DeleteListener: handler((tx, { ListenerArn: arn = '' }: DeleteListenerInput) => {
    dropListener(tx, tx.need(KIND, arn));
    return undefined;
  }),
};
