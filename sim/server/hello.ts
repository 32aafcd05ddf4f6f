/** The first frame of an attach session: where the daemon is and what its machine has. */
import type { AttachReply } from '../../controller/attach.ts';
import { present } from '../../controller/base/result.ts';
import type { World } from '../world/state.ts';

/** The `hello` of an instance that runs. */
export function hello(world: World, instance: string): AttachReply {
  const { records } = world;
  const vpc = present(records.vpc.get(records.instance.get(instance)?.vpc ?? ''), `the VPC of ${instance}`);
  const enis = [...records['network-interface'].values()].filter(
    (eni) => eni.attachment?.instance === instance,
  );
  const primary = enis.find((eni) => eni.attachment?.deviceIndex === 0);
  return {
    op: 'hello',
    instance,
    account: vpc.account,
    region: vpc.region,
    zone: records.subnet.get(primary?.subnet ?? '')?.zone ?? '',
    interfaces: enis.map((eni) => ({
      eni: eni.id,
      mac: eni.mac,
      deviceIndex: eni.attachment?.deviceIndex ?? 0,
      addresses: eni.addresses,
    })),
  };
}
