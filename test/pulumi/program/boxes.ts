/**
 * A program made of boxes, described by the stack's configuration, so that one program can be deployed in
 * many shapes.
 */
import * as pulumi from '@pulumi/pulumi';

interface BoxSpec {
  readonly name: string;
  readonly type?: string;
  readonly size?: number;
  readonly colour?: string;
  readonly labels?: Record<string, string>;
  readonly secretNote?: string;
  /** Name of the box whose id is this one's `on`, a property that cannot change. */
  readonly on?: string;
  readonly beside?: string;
  readonly after?: string;
  readonly options?: pulumi.CustomResourceOptions;
}

class Box extends pulumi.CustomResource {
  declare readonly serial: pulumi.Output<number>;

  constructor(type: string, name: string, inputs: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
    super(type, name, { ...inputs, serial: undefined }, opts);
  }
}

class Shelf extends pulumi.ComponentResource {
  constructor(name: string) {
    super('box:index:Shelf', name);
    this.registerOutputs({});
  }
}

/** Registers the boxes of the configuration; returns the stack's outputs. */
export async function program() {
  const config = new pulumi.Config('box');
  const boxes = new Map<string, Box>();
  const shelf = new Shelf('shelf');
  const idOf = (name: string | undefined) => (name === undefined ? undefined : boxes.get(name)?.id);

  for (const spec of config.requireObject<readonly BoxSpec[]>('boxes')) {
    const { name, size, colour, labels } = spec;
    const after = spec.after === undefined ? undefined : boxes.get(spec.after);
    const secretNote = spec.secretNote === undefined ? undefined : pulumi.secret(spec.secretNote);
    const inputs = { size, colour, labels, secretNote, on: idOf(spec.on), beside: idOf(spec.beside) };
    const options = {
      parent: shelf,
      ...spec.options,
      ...(after === undefined ? {} : { dependsOn: [after] }),
    };
    boxes.set(name, new Box(spec.type ?? 'box:index:Box', name, inputs, options));
  }
  if (config.getBoolean('wait'))
    for (const box of boxes.values()) await new Promise((done) => box.id.apply(done));
  if (config.getBoolean('break')) throw new Error('the program broke on purpose');

  const answer = pulumi.output(pulumi.runtime.invoke('box:index:twice', { value: 21 }));
  return {
    ids: Object.fromEntries([...boxes].map(([name, box]) => [name, box.id])),
    twice: answer.apply((result) => result.value),
    hidden: config.getSecret('password'),
  };
}
