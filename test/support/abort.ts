/** Returns a signal that aborts once it has been read `looks` times: between two steps of the work. */
export function abortingAfter(looks: number): AbortSignal {
  const controller = new AbortController();
  let left = looks;
  return new Proxy(controller.signal, {
    get(signal, property) {
      if (property === 'aborted' && (left -= 1) < 0) controller.abort();
      const value: unknown = Reflect.get(signal, property, signal);
      return typeof value === 'function' ? value.bind(signal) : value;
    },
  });
}
