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
  readonly urn: string;
  /** What the stand-in for the provider made up: texts that no other resource has. */
  readonly outputs: Readonly<Record<string, string>>;
}

const PREFIX: Readonly<Record<string, string>> = {
  NetworkInterface: 'eni',
  RouteTable: 'rtb',
  Instance: 'i',
  NatGateway: 'nat',
  Vpc: 'vpc',
};

/** The outputs of a resource beside its id, where its kind has them and designs read them. */
function outputsOf(kind: string, id: string, count: number): Readonly<Record<string, string>> {
  const arn = `arn:aws:ec2:eu-central-1:000000000000:${kind}/${id}`;
  if (kind === 'Eip')
    return { arn, allocationId: id.replace('eip-', 'eipalloc-'), publicIp: `198.51.100.${count}` };
  if (['Role', 'InstanceProfile', 'Parameter'].includes(kind)) return { arn, name: `byoa-${id}` };
  if (kind === 'VpnConnection') return { arn, ...tunnelsOf(count) };
  return { arn };
}

const tunnelsOf = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [1, 2].flatMap((tunnel) => [
      [`tunnel${tunnel}Address`, `100.64.${count}.${tunnel}`],
      [`tunnel${tunnel}PresharedKey`, `key.of.tunnel.${count}.${tunnel}`],
    ]),
  );

/** A stand-in for the provider: ids of the right shape, and the outputs that the designs read. */
function mocks(made: Map<string, Readonly<Record<string, string>>>): Mocks {
  let count = 0;
  const newResource = ({ type, name, inputs }: MockResourceArgs) => {
    count += 1;
    const kind = type.split(':').at(-1) ?? '';
    const hex = count.toString(16).padStart(17, '0');
    const id = `${PREFIX[kind] ?? kind.toLowerCase()}-${hex}`;
    const outputs = outputsOf(kind, id, count);
    made.set(`${type} ${name}`, { id, ...outputs });
    const ipv6CidrBlock =
      inputs.ipv6CidrBlock ?? (inputs.assignGeneratedIpv6CidrBlock ? '2001:db8:1:ff00::/56' : '');
    return { id, state: { ...inputs, ...outputs, ipv6CidrBlock } };
  };
  return { newResource, call: () => ({}) };
}

class Recorder extends MockMonitor {
  readonly seen: Registration[] = [];
  private readonly made: ReadonlyMap<string, Readonly<Record<string, string>>>;

  constructor() {
    const made = new Map<string, Readonly<Record<string, string>>>();
    super(mocks(made));
    this.made = made;
  }

  override registerResource(
    request: Parameters<MockMonitor['registerResource']>[0],
    callback: Callback,
  ): Promise<void> {
    const type = request.getType();
    const name = request.getName();
    return super.registerResource(request, (error, response) => {
      this.seen.push({
        type,
        name,
        parent: request.getParent(),
        custom: request.getCustom(),
        ignoreChanges: request.getIgnorechangesList(),
        deleteBeforeReplace: request.getDeletebeforereplace(),
        dependencies: request.getDependenciesList(),
        inputs: request.getObject().toJavaScript(),
        urn: response?.getUrn() ?? '',
        outputs: this.made.get(`${type} ${name}`) ?? {},
      });
      callback(error, response);
    });
  }
}

type Callback = Parameters<MockMonitor['registerResource']>[1];

/** Runs `build` and returns what it registered, once all of it is registered. */
export async function recorded<T>(
  build: () => T,
): Promise<{ readonly made: T; readonly seen: readonly Registration[] }> {
  await pulumi.runtime.setMocks(mocks(new Map()), 'byoa', 'test', false);
  const recorder = new Recorder();
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
