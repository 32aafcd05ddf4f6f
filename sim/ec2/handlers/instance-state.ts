/** Starting, stopping, rebooting and terminating instances, and the state machine behind it. */
import type {
  InstanceStateChange,
  MonitorInstancesRequest,
  MonitorInstancesResult,
  RebootInstancesRequest,
  StartInstancesRequest,
  StartInstancesResult,
  StopInstancesRequest,
  StopInstancesResult,
  TerminateInstancesRequest,
  TerminateInstancesResult,
} from '@aws-sdk/client-ec2';
import { type Handlers, handler, type Transitions, type Tx } from '../handler.ts';
import { cutInterface, removeInterface } from '../network-interface.ts';
import { cutLentAddresses, lendPublicAddress } from '../public-address.ts';
import type { InstanceRecord } from '../record/compute.ts';
import { missing, refuse } from '../refusal.ts';
import { interfacesOf, shownState } from './instance.ts';
import { releaseVolumes } from './volume.ts';

/** The instances that a request names, each once; refuses an unknown one. */
export function namedInstances(tx: Tx, ids: readonly string[] | undefined): InstanceRecord[] {
  if (!ids?.length) missing('InstanceId');
  return [...new Set(ids)].map((id) => tx.need('instance', id));
}

const change = (before: InstanceRecord, after: InstanceRecord): InstanceStateChange => ({
  InstanceId: after.id,
  PreviousState: shownState(before.state),
  CurrentState: shownState(after.state),
});

const notFrom = (instance: InstanceRecord, done: string): never =>
  refuse(
    'IncorrectInstanceState',
    `The instance '${instance.id}' is not in a state from which it can be ${done}.`,
  );

/** `User initiated (2026-11-22 21:00:00 GMT)` */
const byUser = (tx: Tx): string =>
  `User initiated (${tx.date().toISOString().slice(0, 19).replace('T', ' ')} GMT)`;

const USER_SHUTDOWN = {
  code: 'Client.UserInitiatedShutdown',
  message: 'Client.UserInitiatedShutdown: User initiated shutdown',
};

function start(tx: Tx, instance: InstanceRecord): InstanceRecord {
  if (instance.state === 'running' || instance.state === 'pending') return instance;
  if (instance.state !== 'stopped') notFrom(instance, 'started');
  const { stateReason: _, ...rest } = instance;
  const [primary] = interfacesOf(tx, instance.id);
  if (instance.lentPublicAddress && primary) lendPublicAddress(tx, primary.id);
  tx.after(tx.settings.startMs, { name: 'instance-started', id: instance.id });
  return tx.put('instance', { ...rest, state: 'pending', launchTime: tx.date(), transitionReason: '' });
}

function stop(tx: Tx, instance: InstanceRecord): InstanceRecord {
  if (instance.state === 'stopped' || instance.state === 'stopping') return instance;
  if (instance.state !== 'running') notFrom(instance, 'stopped');
  if (instance.disableApiStop) {
    const how = "Modify its 'disableApiStop' instance attribute and try again.";
    refuse('OperationNotPermitted', `The instance '${instance.id}' may not be stopped. ${how}`);
  }
  tx.after(tx.settings.stopMs, { name: 'instance-stopped', id: instance.id });
  return tx.put('instance', {
    ...instance,
    state: 'stopping',
    transitionReason: byUser(tx),
    stateReason: USER_SHUTDOWN,
  });
}

function terminate(tx: Tx, instance: InstanceRecord): InstanceRecord {
  if (instance.state === 'terminated' || instance.state === 'shutting-down') return instance;
  if (instance.disableApiTermination) {
    const how = "Modify its 'disableApiTermination' instance attribute and try again.";
    refuse('OperationNotPermitted', `The instance '${instance.id}' may not be terminated. ${how}`);
  }
  tx.after(tx.settings.terminateMs, { name: 'instance-terminated', id: instance.id });
  return tx.put('instance', {
    ...instance,
    state: 'shutting-down',
    transitionReason: byUser(tx),
    stateReason: USER_SHUTDOWN,
  });
}

/** Applies a step to each named instance; one that refuses undoes all, as the whole request is refused. */
function each(
  tx: Tx,
  ids: readonly string[] | undefined,
  step: (tx: Tx, instance: InstanceRecord) => InstanceRecord,
): InstanceStateChange[] {
  return namedInstances(tx, ids).map((instance) => change(instance, step(tx, instance)));
}

function monitor(tx: Tx, input: MonitorInstancesRequest, monitoring: boolean): MonitorInstancesResult {
  const state = monitoring ? ('pending' as const) : ('disabling' as const);
  const shown = namedInstances(tx, input.InstanceIds).map((instance) => {
    tx.put('instance', { ...instance, monitoring });
    return { InstanceId: instance.id, Monitoring: { State: state } };
  });
  return { InstanceMonitorings: shown };
}

export const instanceStateHandlers: Handlers = {
  StartInstances: handler(
    (tx, input: StartInstancesRequest): StartInstancesResult => ({
      StartingInstances: each(tx, input.InstanceIds, start),
    }),
  ),
  StopInstances: handler(
    (tx, input: StopInstancesRequest): StopInstancesResult => ({
      StoppingInstances: each(tx, input.InstanceIds, stop),
    }),
  ),
  TerminateInstances: handler(
    (tx, input: TerminateInstancesRequest): TerminateInstancesResult => ({
      TerminatingInstances: each(tx, input.InstanceIds, terminate),
    }),
  ),
  /** The API's state does not move; that the machine reboots is the world's doing. */
  RebootInstances: handler((tx, input: RebootInstancesRequest) => {
    for (const instance of namedInstances(tx, input.InstanceIds)) {
      if (instance.state !== 'running') notFrom(instance, 'rebooted');
    }
    return undefined;
  }),
  MonitorInstances: handler((tx, input: MonitorInstancesRequest) => monitor(tx, input, true)),
  UnmonitorInstances: handler((tx, input: MonitorInstancesRequest) => monitor(tx, input, false)),
};

/** What is left of a terminated instance: the record, for the time that it stays visible. */
function leave(tx: Tx, instance: InstanceRecord): void {
  for (const eni of interfacesOf(tx, instance.id)) {
    cutLentAddresses(tx, eni.id);
    const now = tx.need('network-interface', eni.id);
    if (now.attachment?.deleteOnTermination) removeInterface(tx, now);
    else cutInterface(tx, now);
  }
  releaseVolumes(tx, instance.devices);
  tx.put('instance', { ...instance, state: 'terminated', devices: [], terminatedAt: tx.now });
  tx.after(tx.settings.terminatedVisibleMs, { name: 'instance-forgotten', id: instance.id });
}

/** Each step applies only in the state that it leaves: an instance may have been terminated in between. */
export const instanceTransitions: Transitions = {
  'instance-started': (tx, id) => {
    const instance = tx.get('instance', id);
    if (instance?.state === 'pending') tx.put('instance', { ...instance, state: 'running' });
  },
  'instance-stopped': (tx, id) => {
    const instance = tx.get('instance', id);
    if (instance?.state !== 'stopping') return;
    for (const eni of interfacesOf(tx, id)) cutLentAddresses(tx, eni.id);
    tx.put('instance', { ...instance, state: 'stopped' });
  },
  'instance-terminated': (tx, id) => {
    const instance = tx.get('instance', id);
    if (instance?.state === 'shutting-down') leave(tx, instance);
  },
  'instance-forgotten': (tx, id) => {
    if (tx.get('instance', id)?.state === 'terminated') tx.remove('instance', id);
  },
};
