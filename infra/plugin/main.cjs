// Where Pulumi's plugin host begins: it can only `require`, and would compile TypeScript in a way of its own.
module.exports = import('tsx/esm/api').then(({ register }) => {
  register();
  return import('./index.ts');
});
