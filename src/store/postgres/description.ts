import type { Client, Connection, Submittable } from 'pg';

/** A column of a result; `tableID` and `columnID` are 0 if it is computed. */
export interface Field {
  name: string;
  tableID: number;
  columnID: number;
  dataTypeID: number;
}

/** What the server says of a statement before it runs. */
export interface Described {
  /** Empty for a statement that returns no rows. */
  fields: readonly Field[];
  /** The type of each parameter, by its OID. */
  parameters: readonly number[];
}

/**
 * Has a statement parsed, and not run, after `settings`, a statement whose settings last for this transaction
 * only. One round trip. Throws the driver's errors.
 */
export function describe(client: Client, settings: string, text: string): Promise<Described> {
  return new Promise((resolve, reject) => {
    client.query(new Description(settings, text, resolve, reject));
  });
}

/**
 * The messages of the extended protocol up to one Sync are one transaction
 * (postgresql.org/docs/current/protocol-flow.html).
 */
class Description implements Submittable {
  readonly #texts: readonly [settings: string, text: string];
  readonly #resolve: (described: Described) => void;
  readonly #reject: (error: Error) => void;
  #fields: readonly Field[] = [];
  #parameters: readonly number[] = [];
  #connection: Connection | undefined;

  constructor(
    settings: string,
    text: string,
    resolve: (described: Described) => void,
    reject: (error: Error) => void,
  ) {
    this.#texts = [settings, text];
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    const [settings, text] = this.#texts;
    this.#connection = connection;
    connection.on('parameterDescription', this.#onParameters);
    connection.parse({ name: '', text: settings, types: [] }, true);
    connection.bind({}, true);
    connection.execute({}, true);
    connection.parse({ name: '', text, types: [] }, true);
    connection.describe({ type: 'S' }, true);
    connection.sync();
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    this.#fields = fields;
  }

  handleDataRow(): void {}

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#end();
    this.#resolve({ fields: this.#fields, parameters: this.#parameters });
  }

  handleError(error: Error): void {
    this.#end();
    this.#reject(error);
  }

  #onParameters = ({ dataTypeIDs }: { dataTypeIDs: readonly number[] }): void => {
    this.#parameters = dataTypeIDs;
  };

  #end(): void {
    this.#connection?.off('parameterDescription', this.#onParameters);
  }
}
