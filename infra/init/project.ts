/** The Pulumi project that `byoa init` writes: its files by path. Pure. */
import { stringify } from 'yaml';
import { stackConfig } from '../config.ts';
import { DESIGNS, type DesignName } from '../designs/catalog.ts';

export interface Choices {
  readonly design: DesignName;
  /** Of the project. */
  readonly name: string;
  readonly stack: string;
  readonly region: string;
  readonly zones: readonly string[];
  /** IPv4 block of the VPC. */
  readonly cidr: string;
  readonly appliance: 'nat' | 'firewall';
  readonly instanceType: string;
}

/** What the project depends on: npm's names with what npm finds them by. */
export type Dependencies = Readonly<Record<string, string>>;

/** Says what does not fit before anything is written: by the parser that reads the stack later. */
export function checkChoices(choices: Choices): void {
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(choices.name))
    throw new Error(
      `The project cannot be named '${choices.name}': lower case letters, digits and -, such as my-egress.`,
    );
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(choices.stack))
    throw new Error(
      `The stack cannot be named '${choices.stack}': letters, digits, _ . and -, such as prod.`,
    );
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(choices.region))
    throw new Error(`'${choices.region}' is not a region of AWS, such as eu-central-1.`);
  const elsewhere = choices.zones.find((zone) => !zone.startsWith(choices.region));
  if (elsewhere !== undefined)
    throw new Error(`The zone '${elsewhere}' is not of the region ${choices.region}.`);
  const daemon = { daemonUrl: 'https://example.com/byoa', daemonSha256: '0'.repeat(64) };
  try {
    stackConfig({ ...keysOf(choices), ...daemon });
  } catch (error) {
    // What mends a stack that exists does not help before there is one.
    const why = error instanceof Error ? error.message.replace(/ Run: .*$/s, '') : String(error);
    throw new Error(`${why} Nothing was written.`);
  }
}

/** The keys of the stack, without `byoa:`. */
const keysOf = ({
  design,
  zones,
  cidr,
  appliance,
  instanceType,
}: Choices): Readonly<Record<string, string>> => ({
  design,
  cidr,
  zones: zones.join(','),
  appliance,
  instanceType,
});

/** `egress-pair` to `EgressPair`. */
const className = (design: DesignName): string =>
  design.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const program = ({ design, name }: Choices): string => `/** ${sentence(DESIGNS[design].summary)} */
import { ${className(design)}, stackArgs } from 'byoa/infra';

// The keys byoa:... of the stack, checked; change what you like: this program is yours.
const design = new ${className(design)}('${name}', await stackArgs('${design}'));

// What byoa drill reads: leave these names as they are.
export const { vpcIds, nodes, appliances, workloads, flows } = design;
`;

const stackFile = (choices: Choices): string => {
  const keys = Object.entries(keysOf(choices)).filter(([key]) => key !== 'design');
  const config = Object.fromEntries(keys.map(([key, value]) => [`byoa:${key}`, value]));
  return stringify({ config: { 'aws:region': choices.region, ...config } });
};

const pulumiFile = ({ design, name }: Choices): string =>
  stringify({
    name,
    description: DESIGNS[design].summary,
    main: 'index.ts',
    runtime: { name: 'nodejs', options: { typescript: false, nodeargs: '--import tsx' } },
  });

const packageFile = ({ name, stack }: Choices, dependencies: Dependencies): string =>
  `${JSON.stringify(
    {
      name,
      private: true,
      type: 'module',
      scripts: { drill: `byoa drill --program . --stack ${stack}` },
      dependencies,
    },
    undefined,
    2,
  )}\n`;

const workflow = `# Deploys the program into byoa's simulator, fails every appliance, zone, link and daemon in it, and ends red
# where a flow does not come back as the design promises. Needs no AWS account.
name: drill
on: [push, pull_request]
jobs:
  drill:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 20 }
      - run: npm install
      - run: npm run drill -- --junit drill.xml --html drill.html
      - uses: actions/upload-artifact@v4
        if: always()
        with: { name: drill, path: drill.* }
`;

const readme = (choices: Choices): string => `# ${choices.name}

\`${choices.design}\`: ${DESIGNS[choices.design].summary}.
Made by \`byoa init\`; all of it is yours to change.

## Try it without AWS

    npm install
    npm run drill

deploys the program into byoa's simulator, fails everything in it, one at a time and in pairs, and says of every
flow whether and when it comes back. \`.github/workflows/drill.yml\` does so for each push.

## Deploy it

Appliances fetch the daemon's executable: build it in a clone of byoa (\`npm run build\`), put it where they can
reach it, and

    pulumi stack init ${choices.stack}
    pulumi config set byoa:daemonUrl https://example.com/byoa-linux-x64
    pulumi config set byoa:daemonSha256 "$(sha256sum byoa-linux-x64 | cut -d ' ' -f 1)"
    pulumi preview
    pulumi up

\`Pulumi.${choices.stack}.yaml\` holds the other keys; \`pulumi config set byoa:KEY VALUE\` changes one, and a wrong one
is named in the preview.

## Afterwards

    pulumi stack output nodes     # the machines that run a daemon, with its configuration
    byoa status                   # on one of them
    byoa switchover GROUP --to APPLIANCE
`;

/** All files of the project; check the choices before (\`checkChoices\`). */
export const projectFiles = (
  choices: Choices,
  dependencies: Dependencies,
): Readonly<Record<string, string>> => ({
  'package.json': packageFile(choices, dependencies),
  'Pulumi.yaml': pulumiFile(choices),
  [`Pulumi.${choices.stack}.yaml`]: stackFile(choices),
  'index.ts': program(choices),
  'README.md': readme(choices),
  '.gitignore': 'node_modules/\n*.state.json\n',
  '.github/workflows/drill.yml': workflow,
});
