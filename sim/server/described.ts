/** A world in a file as its EC2 API describes it, for those who only read. */
import { handle } from '../ec2/service.ts';
import { openWorld } from '../world/world-file.ts';
import { readWorld } from './keeper.ts';

/** Answers a request as the AWS SDK would; fails with EC2's code and message. */
export type Described = (action: string, input: object) => unknown;

/** The API of each account of the world in `file`, in one region. */
export function readDescribed(file: string, region: string): readonly Described[] {
  const saved = readWorld(file);
  if (saved === undefined)
    throw new Error(`There is no file ${file}; byoa sim --state and byoa import make one.`);
  const { cloud } = openWorld(saved).api;
  const scopes = saved.changes.flatMap((change) => ('scope' in change ? [change.scope] : []));
  const accounts = new Set(scopes.flatMap((scope) => /^\d{12}(?=\/)/.exec(scope) ?? []));
  return [...accounts].map((account) => (action, input) => {
    const reply = handle(cloud, { account, region, service: 'ec2', action, input }, saved.now);
    if (reply.kind === 'error') throw new Error(`${action}: ${reply.code}: ${reply.message}`);
    return reply.output;
  });
}
