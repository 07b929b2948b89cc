/**
 * The parts of undici that a registry is spoken to with. Its front door also loads fetch, web sockets, event sources and caches: two thirds of
 * its 170 ms on a slow machine, at every pull.
 */
import connect from 'undici/lib/api/api-connect.js';
import request from 'undici/lib/api/api-request.js';
import buildConnector from 'undici/lib/core/connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

// As its front door does; a proxy's tunnel is made by `connect`.
Object.assign(Dispatcher.prototype, { connect, request });

export { Agent, buildConnector, ProxyAgent };
