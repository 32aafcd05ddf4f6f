/**
 * Runs a Pulumi program that is a function of this process, as the Automation API runs its inline programs:
 * by the SDK's own language server. It spares a start of Node and of the SDK, which takes seconds.
 */
import { createRequire } from 'node:module';
import language from '@pulumi/pulumi/proto/language_pb.js';

type Run = InstanceType<typeof language.RunRequest>;

/** What the SDK's declarations leave out, since it is internal. */
interface Server {
  new (
    program: () => Promise<object>,
  ): { run(call: { readonly request: Run }, ended: (error?: Error) => void): void };
}

const { LanguageServer } = createRequire(import.meta.url)('@pulumi/pulumi/automation/server.js') as {
  readonly LanguageServer: Server;
};

/** Registers resources, and resolves to the stack's outputs. */
export type InlineProgram = () => Promise<Readonly<Record<string, unknown>>>;

export interface InlineRun {
  readonly program: InlineProgram;
  /** Of the monitor and the engine: `127.0.0.1:port`. */
  readonly address: string;
  readonly project: string;
  readonly stack: string;
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  readonly dry: boolean;
  readonly parallel: number;
}

/** Resolves to why the program failed; to nothing where it ran to its end. */
export function runInline(run: InlineRun): Promise<string | undefined> {
  const request = new language.RunRequest();
  request.setProject(run.project);
  request.setStack(run.stack);
  request.setMonitorAddress(run.address);
  request.setArgsList([run.address]);
  request.setParallel(run.parallel);
  request.setDryrun(run.dry);
  request.setOrganization('organization');
  for (const [key, value] of Object.entries(run.config)) request.getConfigMap().set(key, value);
  request.setConfigsecretkeysList([...run.secretKeys]);
  const server = new LanguageServer(async () => ({ ...(await run.program()) }));
  return new Promise((resolve) => {
    // An error comes first and a response after it.
    server.run({ request }, (error) => resolve(error?.message));
  });
}
