/** A signal that aborts when it has been looked at so many times: between two steps of the work. */
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
