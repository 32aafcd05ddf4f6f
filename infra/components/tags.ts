/** The tags of every resource: its name, the stack's own tags, and `byoa:` tags that say what it is for. */

export type Tags = Readonly<Record<string, string>>;

/** The tags of one resource; `own` wins over the stack's. */
export const tagged = (common: Tags, name: string, own: Tags = {}): Record<string, string> => ({
  ...common,
  Name: name,
  ...own,
});
