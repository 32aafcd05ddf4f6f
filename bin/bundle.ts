/**
 * Makes the daemon one file of JavaScript: `byoa.cjs`, with koffi's native module beside it. No executable
 * yet.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/** The native module of koffi for this machine; throws where npm installed none. */
export function nativeModule(root: string): string {
  const require = createRequire(join(root, 'package.json'));
  const { arch, platform } = process;
  const report: { header?: { glibcVersionRuntime?: string } } = JSON.parse(
    JSON.stringify(process.report.getReport()),
  );
  const libc = report.header?.glibcVersionRuntime === undefined ? 'musl' : platform;
  const folder = dirname(require.resolve(`@koromix/koffi-${platform}-${arch}`));
  const file = join(folder, `${libc}_${arch}`, 'koffi.node');
  if (!existsSync(file))
    throw new Error(`koffi has no native module for this machine: ${file} does not exist`);
  return file;
}

/** Puts the loader in native.ts in the place of koffi's own, which looks for node_modules. */
const nativePlugin = (root: string): Plugin => ({
  name: 'native',
  setup: (setup) => setup.onResolve({ filter: /^koffi$/ }, () => ({ path: join(root, 'bin', 'native.ts') })),
});

/**
 * Puts the text of the BFD thread's program, bundled by itself, in the place of the module that says where
 * its file is: a single file has none beside it. The thread finds the native module where the bundle does.
 */
const threadPlugin = (root: string): Plugin => ({
  name: 'thread',
  setup: (setup) =>
    setup.onLoad({ filter: /controller[/\\]shell[/\\]bfd[/\\]program\.ts$/ }, async () => {
      const { outputFiles } = await build({
        entryPoints: [join(root, 'controller', 'shell', 'bfd', 'thread.ts')],
        ...COMMON,
        format: 'cjs',
        legalComments: 'inline',
        minify: true,
        write: false,
        plugins: [nativePlugin(root)],
      });
      const program = JSON.stringify(outputFiles[0]?.text ?? '');
      const place = "'globalThis.__dirname=' + JSON.stringify(__dirname) + ';'";
      return {
        contents: `export const threadProgram = () => ({ kind: 'text', text: ${place} + ${program} });`,
        loader: 'ts',
      };
    }),
});

/**
 * The SDK describes its operations in thousands of array literals that esbuild cannot prove to be free of
 * effects. Each becomes a call marked pure, so that those which nothing uses are dropped: 800 of EC2's
 * operations.
 */
const schemaPlugin: Plugin = {
  name: 'schemas',
  setup: (setup) =>
    setup.onLoad({ filter: /dist-es[/\\]schemas[/\\]schemas_\d+\.js$/ }, ({ path }) => ({
      contents: markPure(readFileSync(path, 'utf8')),
      loader: 'js',
    })),
};

/** Zod speaks fifty languages; the daemon speaks English. */
const languagePlugin: Plugin = {
  name: 'languages',
  setup: (setup) =>
    setup.onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    })),
};

/** Wraps each top-level `var name = [...];` of a schema file in a call that esbuild may drop. */
export const markPure = (text: string): string =>
  text.replace(
    /^(export )?var (\w+\$?) = (\[[^;]*\]);$/gm,
    (_, exported: string | undefined, name: string, value: string) =>
      `${exported ?? ''}var ${name} = /* @__PURE__ */ (() => ${value})();`,
  );

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  mainFields: ['module', 'main'],
  conditions: ['module'],
  logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * Drops what nothing uses: modules that are loaded on demand stay apart, so that each can be judged alone.
 */
async function shake(root: string, outdir: string, version: string, entry: string): Promise<string> {
  await build({
    stdin: {
      contents: `import { main } from ${JSON.stringify(entry)};\nvoid main(${JSON.stringify(version)});\n`,
      resolveDir: root,
      sourcefile: 'entry.ts',
      loader: 'ts',
    },
    ...COMMON,
    format: 'esm',
    legalComments: 'inline',
    splitting: true,
    outExtension: { '.js': '.mjs' },
    outdir,
    plugins: [nativePlugin(root), threadPlugin(root), schemaPlugin, languagePlugin],
  });
  return join(outdir, 'stdin.mjs');
}

/** Writes `byoa.cjs` and `koffi.node` into `folder`; `entry` exports `main(version)`. */
export async function bundle(
  root: string,
  folder: string,
  version: string,
  entry = './bin/daemon.ts',
): Promise<string> {
  const outfile = join(folder, 'byoa.cjs');
  const work = mkdtempSync(join(tmpdir(), 'byoa-bundle-'));
  try {
    // A single executable runs one file of CommonJS. Put together in one go, esbuild would keep whole every
    // module that is loaded on demand; so what is not used is dropped first.
    await build({
      entryPoints: [await shake(root, work, version, entry)],
      ...COMMON,
      format: 'cjs',
      legalComments: 'linked',
      supported: { 'dynamic-import': false },
      minify: true,
      banner: { js: '#!/usr/bin/env node' },
      outfile,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  copyFileSync(nativeModule(root), join(folder, 'koffi.node'));
  return outfile;
}
