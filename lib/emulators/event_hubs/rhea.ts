import type { Buffer } from "node:buffer";
import type { EventEmitter } from "node:events";
import rheaModule from "rhea";

/**
 * The parts of rhea that the server uses, typed. Its own typings are for clients and leave out the
 * inner state (windows, delivery ids) that a server writing transfers by the thousand needs; the
 * version is pinned, so this holds.
 */
export interface Rhea {
  create_container(options: { id: string }): Container;
  message: { decode(bytes: Buffer): AmqpMessage };
  types: {
    wrap_int(value: number): unknown;
    wrap_long(value: number): unknown;
    wrap_string(value: string): unknown;
    wrap_timestamp(value: number): unknown;
    wrap_array(values: unknown[], code: number): unknown;
    wrap_boolean(value: boolean): unknown;
    wrap_symbol(value: string): unknown;
    wrap_described(value: unknown, descriptor: string | number): unknown;
  };
}

export interface Container {
  sasl_server_mechanisms: {
    enable_anonymous(): void;
    [mechanism: string]: unknown;
  };
  create_connection(options: Record<string, unknown>): RheaConnection;
}

export interface AmqpError {
  condition: string;
  description: string;
  info: Record<string, never>;
}

/** A performative on its way out: its fields in their order. */
export interface Performative {
  value: unknown[];
  handle_max?: number;
  constructor: { descriptor?: { numeric: number } };
}

export interface AmqpMessage {
  message_id?: unknown;
  correlation_id?: unknown;
  reply_to?: string;
  application_properties?: Record<string, unknown>;
  body?: unknown;
}

export interface EndpointState {
  local_open: boolean;
  remote_open: boolean;
  is_open(): boolean;
  is_closed(): boolean;
}

export interface RheaConnection extends EventEmitter {
  state: EndpointState;
  amqp_transport: { header_sent: unknown };
  local: { open: { properties?: unknown }; close: { error?: AmqpError | undefined } };
  remote: {
    open?: { max_frame_size?: number | null; container_id?: string; hostname?: string };
  };
  local_channel_map: Record<string, RheaSession>;
  accept(socket: unknown): RheaConnection;
  close(error?: AmqpError): void;
  idle(): void;
  is_open(): boolean;
  is_closed(): boolean;
  on_transfer(frame: Frame<TransferFields>): void;
  on_flow(frame: Frame<FlowFields>): void;
  on_disposition(frame: Frame<DispositionFields>): void;
  remote_channel_map: Record<number, RheaSession | undefined>;
  _process(): void;
  _register(): void;
  _write_close(): void;
  _write_frame(channel?: number, performative?: Performative, payload?: Buffer): void;
}

export interface Frame<T> {
  channel: number;
  performative: T;
  payload?: Buffer;
}

export interface TransferFields {
  handle: number;
  delivery_id?: number | null;
  message_format?: number | null;
  more?: boolean | null;
  aborted?: boolean | null;
}

export interface FlowFields {
  handle?: number | null;
  echo?: boolean | null;
}

export interface DispositionFields {
  first: number;
  last?: number | null;
}

export interface RheaSession {
  connection: RheaConnection;
  local: { channel: number };
  remote: { handles: Record<number, RheaLink | undefined> };
  incoming: { next_transfer_id: number; next_delivery_id?: number };
  outgoing: {
    next_delivery_id: number;
    next_pending_delivery: number;
    next_transfer_id: number;
    remote_window?: number;
    remote_next_transfer_id?: number;
    window: number;
    available(): number;
  };
}

export interface Terminus {
  address?: string | null;
  filter?: Record<string, { descriptor?: unknown; value?: unknown } | string | undefined> | null;
}

export interface RheaLink extends EventEmitter {
  name: string;
  session: RheaSession;
  connection: RheaConnection;
  state: EndpointState;
  credit: number;
  delivery_count: number;
  issue_flow: boolean;
  local: {
    handle: number;
    attach: {
      max_message_size?: number;
      properties?: Record<string, unknown>;
      offered_capabilities?: string[];
      snd_settle_mode?: number;
    };
  };
  source?: Terminus | null;
  target?: Terminus | null;
  snd_settle_mode?: number | null;
  properties?: Record<string, unknown> | null;
  desired_capabilities?: string[] | string | null;
  _incomplete?: { settled: boolean; frames?: Buffer[] } | undefined;
  is_receiver(): boolean;
  is_open(): boolean;
  set_source(fields: Record<string, unknown>): void;
  set_target(fields: Record<string, unknown>): void;
  close(error?: AmqpError): void;
}

/** A link on which the client sends. */
export interface RheaReceiver extends RheaLink {
  add_credit(credit: number): void;
}

/** A link on which the client receives. */
export interface RheaSender extends RheaLink {
  _draining: boolean;
  sendable(): boolean;
  set_drained(drained: boolean): void;
  send(message: unknown, tag?: Buffer, format?: number): { settled: boolean };
}

/** A transfer that came whole; answer it with `answerTransfer`. */
export interface Delivery {
  id: number;
  settled: boolean;
}

/** What rhea hands to a listener. */
export interface EventContext {
  connection: RheaConnection;
  receiver?: RheaReceiver;
  sender?: RheaSender;
  session?: RheaSession;
  delivery?: Delivery;
  /** The bytes of a message: see `keepRaw` in connection.ts. */
  message?: Buffer;
  format?: number;
}

export const rhea = rheaModule as unknown as Rhea;
