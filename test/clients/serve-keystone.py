"""Keystone on loopback, in one process: its tables, its keys, whom it knows, and then its API.

Told by one argument, JSON with `directory`, `network`, `password` and `users`. Prints the URL of its API once it serves.
"""

import json
import os
import sys
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

told = json.loads(sys.argv.pop())
directory = Path(told['directory'])
sections = {
    'DEFAULT': f"log_file = {directory / 'keystone.log'}",
    'database': f"connection = sqlite:///{directory / 'keystone.db'}",
    'fernet_tokens': f"key_repository = {directory / 'fernet'}",
    # It has no such receipts, and ends where it has no keys for them.
    'fernet_receipts': f"key_repository = {directory / 'fernet'}",
    'cache': 'enabled = false',
    # The fewest there can be: these passwords guard nothing.
    'identity': 'password_hash_rounds = 4',
}
lines = [f'[{name}]\n{line}\n' for name, line in sections.items()]
(directory / 'keystone.conf').write_text(''.join(lines))
(directory / 'fernet').mkdir(mode=0o700)
(directory / 'fernet' / '1').write_bytes(urlsafe_b64encode(os.urandom(32)))
os.environ['OS_KEYSTONE_CONFIG_DIR'] = str(directory)

from keystone.common.provider_api import ProviderAPIs
from keystone.common.sql import upgrades
from keystone.server.wsgi import initialize_public_application

DOMAIN = {'domain_id': 'default'}
ENABLED = {'enabled': True}


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def made(create, **members):
    ref = {'id': uuid.uuid4().hex, **members}
    create(ref['id'], ref)
    return ref['id']


def populate(url):
    """What `keystone-manage bootstrap` makes, as far as tests need it, and whom the test wants."""
    catalog, resources = ProviderAPIs.catalog_api, ProviderAPIs.resource_api
    resources.create_domain('default', {'id': 'default', 'name': 'Default', **ENABLED})
    catalog.create_region({'id': 'RegionOne', 'description': '', 'parent_region_id': None})
    for kind, place in ('identity', url), ('network', told['network']):
        service = made(catalog.create_service, type=kind, name=kind, **ENABLED)
        endpoint = {'service_id': service, 'region_id': 'RegionOne', 'interface': 'public'}
        made(catalog.create_endpoint, url=place, **endpoint, **ENABLED)
    projects, roles = {}, {}
    for user in told['users']:
        ref = {'name': user['name'], 'password': told['password'], **DOMAIN, **ENABLED}
        user_id = ProviderAPIs.identity_api.create_user(ref)['id']
        if 'project' not in user:
            continue
        project, role = user['project'], user['role']
        if project not in projects:
            ref = {'name': project, 'description': '', 'is_domain': False, **DOMAIN, **ENABLED}
            projects[project] = made(resources.create_project, **ref)
        if role not in roles:
            roles[role] = made(ProviderAPIs.role_api.create_role, name=role, domain_id=None)
        grant = {'user_id': user_id, 'project_id': projects[project]}
        ProviderAPIs.assignment_api.create_grant(roles[role], **grant)


server = make_server('127.0.0.1', 0, initialize_public_application(), handler_class=Quiet)
url = f'http://127.0.0.1:{server.server_port}/v3'
upgrades.offline_sync_database_to_version()
populate(url)
print(url, flush=True)
server.serve_forever()
