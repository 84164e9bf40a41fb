// What a test finds already there, made by the API's calls.

export class Tenant {
  constructor(server, { id, name, token }) {
    Object.assign(this, { server, id, name, token, console: `/console/${id}` });
  }

  /** A tenant with an administrator, and nothing else. */
  static async create(server, name, administrator) {
    const { tenant: { id }, token } = await server.call('/v1/tenants', { body: { name, contacts: [administrator] } });
    const tenant = new Tenant(server, { id, name, token });
    await tenant.member(administrator, 'admin');
    return tenant;
  }

  /** A tenant that can enroll devices. */
  static async ready(server, name, administrator) {
    const tenant = await Tenant.create(server, name, administrator);
    await tenant.certify();
    await tenant.call('/identity-authority', { body: { common_name: `${name} MDM`, organization: name } });
    return tenant;
  }

  call(path, options = {}) {
    return this.server.call(`/v1/tenants/${this.id}${path}`, { token: this.token, ...options });
  }

  member(address, role) {
    return this.call(`/members/${encodeURIComponent(address)}`, { method: 'PUT', body: { role } });
  }

  async certify() {
    const subject = { common_name: this.name, organization: this.name, email: 'it@example.org', country: 'DE' };
    await this.call('/push-certificate/request', { body: { subject } });
    const request = await this.call('/push-certificate/request/file');
    const certificate = await this.server.call('/_local/portal/certificates', { body: request });
    await this.call('/push-certificate/staged', { body: certificate });
    await this.call('/push-certificate/activate', { method: 'POST' });
  }

  /** A simulated device that lives until the server stops. */
  async device(name) {
    const { url } = await this.call('/enrollment-links', { method: 'POST' });
    return this.server.call('/_local/devices', { body: { enroll: url, name } });
  }

  send(udid, command) {
    return this.call('/commands', { body: { targets: [udid], command } });
  }
}
