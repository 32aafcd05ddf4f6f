/** The SDK's clients of one provider, and how its handlers wait, retry and recognise what is gone. */
import { EC2Client, type Tag } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { isObject, type Properties } from '../value.ts';

export interface Clients {
  readonly ec2: EC2Client;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly iam: IAMClient;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
  readonly region: string;
  /** The account of the credentials, asked for once. */
  readonly account: () => Promise<string>;
  close(): void;
}

/**
 * Connects to the endpoints of `aws:endpoints`; refuses to go without, since it is no engine for real
 * accounts.
 */
export function clientsFrom(config: Properties): Clients {
  const region = config.region;
  if (typeof region !== 'string' || region === '') {
    throw new Error('aws:region is not set; run: pulumi config set aws:region eu-central-1');
  }
  const lists = Array.isArray(config.endpoints) ? config.endpoints : [];
  const endpoints: Properties = Object.assign({}, ...lists.filter(isObject));
  const endpoint = (service: 'ec2' | 'elbv2' | 'iam' | 'ssm' | 'sts'): string => {
    // What few stacks have need not be said: the simulator has all APIs at one URL.
    const url = endpoints[service] ?? (['elbv2', 'ssm'].includes(service) ? endpoints.ec2 : undefined);
    if (typeof url === 'string' && url !== '') return url;
    throw new Error(
      `aws:endpoints has no ${service}: this test engine deploys into a simulator only, never into AWS; give it ` +
        `[{"ec2":"http://127.0.0.1:4566","iam":"...","sts":"..."}], or deploy with the Pulumi CLI`,
    );
  };
  const credentials = {
    accessKeyId: typeof config.accessKey === 'string' ? config.accessKey : 'test',
    secretAccessKey: typeof config.secretKey === 'string' ? config.secretKey : 'test',
  };
  const common = { region, credentials, maxAttempts: 6 };
  const ec2 = new EC2Client({ ...common, endpoint: endpoint('ec2') });
  const elb = new ElasticLoadBalancingV2Client({ ...common, endpoint: endpoint('elbv2') });
  const iam = new IAMClient({ ...common, endpoint: endpoint('iam') });
  const ssm = new SSMClient({ ...common, endpoint: endpoint('ssm') });
  const sts = new STSClient({ ...common, endpoint: endpoint('sts') });
  const close = (): void => {
    for (const client of [ec2, elb, iam, ssm, sts]) client.destroy();
  };
  let asked: Promise<string> | undefined;
  const ask = async (): Promise<string> =>
    need((await sts.send(new GetCallerIdentityCommand({}))).Account, 'Account');
  const account = (): Promise<string> => {
    asked ??= ask();
    return asked;
  };
  return { ec2, elb, iam, ssm, sts, region, account, close };
}

/** EC2's and IAM's codes for what is not there: `InvalidVpcID.NotFound`, `NoSuchEntity`. */
export const isGone = (error: unknown): boolean =>
  error instanceof Error && /NotFound(Exception)?$|^NoSuchEntity|\.Unknown$/.test(error.name);

/** The result, or undefined where the resource is gone. */
export const unlessGone = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks again and again, from every 50 ms to every second, until there is an answer; fails after `limitMs`.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  limitMs = 300_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 1.5, 1_000)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what} is still not so after ${limitMs / 1000} s`);
    await pause(waitMs);
  }
}

/** Runs `work` again while it is refused with one of the codes: something else still has to let go. */
export const whileRefused = <T>(
  codes: readonly string[],
  work: () => Promise<T>,
  limitMs = 60_000,
): Promise<T> => {
  const end = performance.now() + limitMs;
  const attempt = async (waitMs: number): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error) || !codes.includes(error.name) || performance.now() > end) throw error;
      await pause(waitMs);
      return attempt(Math.min(waitMs * 1.5, 1_000));
    }
  };
  return attempt(50);
};

/** What EC2 lists, of which one must be there. */
export function only<T>(list: readonly T[] | undefined, what: string): T {
  const first = list?.[0];
  if (first === undefined) throw new Error(`${what}: EC2 answered without it`);
  return first;
}

/** The field of an answer that EC2 always has. */
export function need(value: string | undefined, what: string): string {
  if (value === undefined || value === '') throw new Error(`EC2 answered without ${what}`);
  return value;
}

/** Tags as Pulumi has them. */
export const tagsFrom = (tags: readonly Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
