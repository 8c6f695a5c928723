/** What the model answers in the benchmark of actors: the same each time, so that the server is not what is measured. */
export default () => ({
  json: { category: 'billing', urgent: false, reason: 'The customer was charged twice for one month.' },
});
