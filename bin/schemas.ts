/**
 * Puts the runtime schemas of the SDK's clients, and nothing else of them, in the place of the compiled
 * module that imports the clients: a start of the simulator does not wait for code that sends requests.
 */
import { build, type Plugin } from 'esbuild';

const schemasOnly: Plugin = {
  name: 'schemas only',
  setup: (setup) =>
    setup.onResolve({ filter: /^@aws-sdk\/client-[^/]+$/ }, ({ path, importer, resolveDir }) =>
      setup.resolve(`${path}/dist-es/schemas/schemas_0.js`, {
        importer,
        resolveDir,
        kind: 'import-statement',
      }),
    ),
};

/** Rewrites `file`, which tsc has compiled of sim/ec2/sdk.ts. */
export async function bundleSchemas(file: string): Promise<void> {
  await build({
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'inline',
    logLevel: 'warning',
    plugins: [schemasOnly],
  });
}
