/**
 * Builds a design against a monitor that records each registration whole: type, name, parent, options,
 * inputs. Shows what Pulumi's mocks hide (parents, ignoreChanges, dependencies).
 */
import * as pulumi from '@pulumi/pulumi';
import { MockMonitor, type MockResourceArgs, type Mocks } from '@pulumi/pulumi/runtime/mocks.js';
import { setMockOptions } from '@pulumi/pulumi/runtime/settings.js';

export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  readonly custom: boolean;
  readonly ignoreChanges: readonly string[];
  readonly deleteBeforeReplace: boolean;
  readonly dependencies: readonly string[];
  readonly inputs: Readonly<Record<string, unknown>>;
}

const PREFIX: Readonly<Record<string, string>> = {
  NetworkInterface: 'eni',
  RouteTable: 'rtb',
  Instance: 'i',
  Vpc: 'vpc',
};

/** A stand-in for the provider: ids of the right shape, and the outputs that the designs read. */
function mocks(): Mocks {
  let count = 0;
  const newResource = ({ type, inputs }: MockResourceArgs) => {
    count += 1;
    const kind = type.split(':').at(-1) ?? '';
    const hex = count.toString(16).padStart(17, '0');
    const id = `${PREFIX[kind] ?? kind.toLowerCase()}-${hex}`;
    const state = {
      ...inputs,
      arn: `arn:aws:ec2:eu-central-1:000000000000:${kind}/${id}`,
      allocationId: `eipalloc-${hex}`,
      publicIp: `198.51.100.${count}`,
      ipv6CidrBlock:
        inputs.ipv6CidrBlock ?? (inputs.assignGeneratedIpv6CidrBlock ? '2001:db8:1:ff00::/56' : ''),
    };
    return { id, state };
  };
  return { newResource, call: () => ({}) };
}

class Recorder extends MockMonitor {
  readonly seen: Registration[] = [];

  override registerResource(
    request: Parameters<MockMonitor['registerResource']>[0],
    callback: Callback,
  ): Promise<void> {
    this.seen.push({
      type: request.getType(),
      name: request.getName(),
      parent: request.getParent(),
      custom: request.getCustom(),
      ignoreChanges: request.getIgnorechangesList(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      dependencies: request.getDependenciesList(),
      inputs: request.getObject().toJavaScript(),
    });
    return super.registerResource(request, callback);
  }
}

type Callback = Parameters<MockMonitor['registerResource']>[1];

/** Runs `build` and returns what it registered, once all of it is registered. */
export async function recorded<T>(
  build: () => T,
): Promise<{ readonly made: T; readonly seen: readonly Registration[] }> {
  const provider = mocks();
  await pulumi.runtime.setMocks(provider, 'byoa', 'test', false);
  const recorder = new Recorder(provider);
  setMockOptions(recorder, 'byoa', 'test', false);
  const made = build();
  await pulumi.runtime.disconnect();
  return { made, seen: recorder.seen };
}

/** The value of an output. */
export const resolved = <T>(output: pulumi.Output<T>): Promise<pulumi.Unwrap<T>> =>
  new Promise((resolve) => {
    pulumi.output(output).apply((value) => {
      resolve(value);
    });
  });
