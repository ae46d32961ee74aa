export interface DomainOptions {
  region?: string;
  account?: string;
  name?: string;
  /** The time whose answers to give, such as "2015-10" or "current". */
  compat?: string;
  mode?: 'parity' | 'strict';
  /** Faults from the start on, such as "429@10%". */
  fault?: string;
  /** URL of an OpenSearch or Elasticsearch node to put behind the gate, in the place of the embedded engine. */
  engine?: string;
  /** Directory that keeps the indexes. */
  data?: string;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface Document {
  index: string;
  id: string;
  fields: Record<string, unknown>;
}

/** AsyncDisposable where the libraries of the compiler have it, for "await using". */
type Disposable = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { [key in Key]: () => Promise<void> }
  : {};

/** A domain that runs. It has one user and one role, who may do everything until allow, deny or policy say otherwise. */
export interface Domain extends Disposable {
  readonly url: string;
  readonly region: string;
  readonly arn: string;
  readonly userArn: string;
  readonly roleArn: string;
  readonly credentials: Credentials;
  /** Ends the domain. Its documents are gone. */
  stop(): Promise<void>;
  /** What it refused, and why: a line of JSON each. */
  log(): string;
  /** The AWS variables of a program that is to sign as the domain's user, or with these credentials. */
  environment(credentials?: Credentials): Record<string, string>;
  /** Credentials of a session of the role, which lives so many seconds. */
  roleSession(options?: { name?: string; lifetime?: number }): Promise<Credentials>;
  /** Ends a session now: the domain answers that its token has expired. */
  expire(credentials: Credentials): Promise<void>;
  /** Allows actions on a path. The first call narrows everything down to it. */
  allow(actions: string | string[], resource?: string): Promise<void>;
  /** Denies actions on a path, whatever else allows them. */
  deny(actions?: string | string[], resource?: string): Promise<void>;
  /** Puts an access policy in the place of all that was allowed and denied; without one, as at the start. */
  policy(document?: { Version: string; Statement: object | object[] }): Promise<void>;
  /** Makes the domain misbehave, as in "429@10%", until the next call; none does an empty one. */
  fault(spec: string): Promise<void>;
  /** How often each fault has struck since it was set. */
  fired(): Promise<Record<string, number>>;
  /** All documents of the indexes that the pattern matches, at most 10,000, past policy and faults. */
  documents(index?: string): Promise<Document[]>;
}

/** Starts a domain on loopback, on a port of its own, and returns it when it answers. */
export function startDomain(options?: DomainOptions): Promise<Domain>;

/** The path of the penstock program: that of PENSTOCK_PROGRAM, or of the package for this platform. */
export function programPath(): string;
