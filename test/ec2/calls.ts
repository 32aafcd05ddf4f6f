/** Calls to a cloud in process, for tests: outputs typed by the caller, refusals as their codes. */
import { type Cloud, createCloud, handle, settle } from '../../sim/ec2/service.ts';
import type { CloudOptions } from '../../sim/ec2/settings.ts';

type Service = Parameters<typeof handle>[1]['service'];

export interface Calls {
  readonly cloud: Cloud;
  /** The output of a request; throws where it is refused. */
  readonly call: <O>(action: string, input?: object, service?: Service) => O;
  /** The code with which a request is refused; throws where it succeeds. */
  readonly code: (action: string, input?: object, service?: Service) => string;
  /** Moves the clock and whatever is due. */
  readonly pass: (ms: number) => void;
}

/** A cloud of its own, in one account and region, at an hour that only `pass` moves. */
export function calls(options: CloudOptions = {}): Calls {
  const cloud = createCloud({ seed: 7, ...options });
  let now = 0;
  const reply = (action: string, input: object, service: Service): ReturnType<typeof handle> =>
    handle(cloud, { account: '111122223333', region: 'eu-central-1', service, action, input }, now);
  return {
    cloud,
    call: <O>(action: string, input: object = {}, service: Service = 'ec2') => {
      const answer = reply(action, input, service);
      if (answer.kind === 'error') throw new Error(`${action}: ${answer.code}: ${answer.message}`);
      return answer.output as O;
    },
    code: (action, input = {}, service = 'ec2') => {
      const answer = reply(action, input, service);
      if (answer.kind === 'ok') throw new Error(`${action} was not refused`);
      return answer.code;
    },
    pass: (ms) => {
      now += ms;
      settle(cloud, now);
    },
  };
}
