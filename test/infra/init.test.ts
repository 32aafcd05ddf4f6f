/** The project that `byoa init` writes for each design. That one of them runs is a test of the package. */
import { describe, expect, it } from 'vitest';
import { DESIGNS, NAMES } from '../../infra/designs/catalog.ts';
import { COMPONENTS } from '../../infra/designs/components.ts';
import { type Choices, checkChoices, projectFiles } from '../../infra/init/project.ts';
import * as offered from '../../infra/package.ts';

const ZONES = ['eu-central-1a', 'eu-central-1b'];

const choicesOf = (design: (typeof NAMES)[number]): Choices => ({
  design,
  name: 'mine',
  stack: 'prod',
  region: 'eu-central-1',
  zones: ZONES.slice(0, DESIGNS[design].zones.min),
  cidr: '10.0.0.0/16',
  appliance: DESIGNS[design].role,
  instanceType: 't3.micro',
});

describe.each(NAMES)('%s', (design) => {
  it('has defaults that its stack accepts', () => {
    expect(() => checkChoices(choicesOf(design))).not.toThrow();
  });

  it('is a program of the component that the package offers', () => {
    const program = projectFiles(choicesOf(design), {})['index.ts'] ?? '';
    const [, name = ''] = /import \{ (\w+), stackArgs \} from 'byoa\/infra'/.exec(program) ?? [];
    expect(Object.entries(offered)).toContainEqual([name, COMPONENTS[design]]);
  });
});

it('is refused by what does not fit, before anything is written', () => {
  const wrong = { ...choicesOf('egress-pair'), zones: ['eu-west-1a', 'eu-west-1b'] };
  expect(() => checkChoices(wrong)).toThrow("The zone 'eu-west-1a' is not of the region eu-central-1.");
});
