"""What programs do with openstacksdk, against the server of the first argument. Each function below is one check, in order; for
each a JSON object {"check", "error"} goes to standard output.
"""

import json
import sys
import traceback

import openstack
from openstack import exceptions

HOST = 'h1'


def networks_and_subnets(net):
    made = net.create_network(name='sdk', description='d', mtu=1400)
    assert (made.is_admin_state_up, made.mtu, made.status) == (True, 1400, 'ACTIVE'), made
    assert made.is_port_security_enabled and not made.is_shared and not made.is_router_external
    subnet = net.create_subnet(network_id=made.id, ip_version=4, cidr='10.3.0.0/24', name='sdk4')
    assert subnet.allocation_pools == [{'start': '10.3.0.2', 'end': '10.3.0.254'}], subnet
    assert net.get_network(made.id).subnet_ids == [subnet.id]
    assert net.find_network('sdk').id == made.id
    assert net.find_network('nosuch') is None
    assert [one.id for one in net.networks(name='sdk')] == [made.id]
    assert net.update_network(made, name='sdk2').name == 'sdk2'
    assert net.find_network('sdk2', ignore_missing=False).id == made.id
    net.update_network(made, name='sdk')


def two_of_one_name(net):
    for _ in range(2):
        net.create_network(name='twin')
    refused(exceptions.DuplicateResource, lambda: net.find_network('twin'))


def ports_and_port_security(net):
    port = net.create_port(network_id=network(net).id, name='p', fixed_ips=[{'ip_address': '10.3.0.10'}])
    assert port.is_port_security_enabled and port.status == 'DOWN' and port.security_group_ids == []
    assert port.fixed_ips[0]['ip_address'] == '10.3.0.10', port.fixed_ips
    assert net.update_port(port, is_port_security_enabled=False).is_port_security_enabled is False
    assert net.get_port(port.id).is_port_security_enabled is False
    pairs = [{'ip_address': '10.3.0.77'}]
    refused(exceptions.ConflictException, lambda: net.update_port(port, allowed_address_pairs=pairs))
    port = net.get_port(port.id)
    port = net.update_port(port, is_port_security_enabled=True, allowed_address_pairs=pairs)
    wanted = [{'ip_address': '10.3.0.77', 'mac_address': port.mac_address}]
    assert port.allowed_address_pairs == wanted, port.allowed_address_pairs


def a_bound_port(net):
    port = net.create_port(network_id=network(net).id, name='bound', binding_host_id=HOST)
    assert port.binding_vif_type == 'ovs', port.binding_vif_type
    assert port.binding_vif_details['bridge_name'] == 'br-int', port.binding_vif_details
    refused(exceptions.ConflictException, lambda: net.update_port(port, mac_address='fa:16:3e:00:00:78'))


def what_is_not_there(net):
    nobody = '00000000-0000-0000-0000-000000000001'
    refused(exceptions.ResourceNotFound, lambda: net.get_port(nobody))
    assert net.delete_port(nobody, ignore_missing=True) is None
    refused(exceptions.ResourceNotFound, lambda: net.delete_port(nobody, ignore_missing=False))
    refused(exceptions.ResourceNotFound, lambda: net.find_port('nosuch', ignore_missing=False))


def what_is_refused_says_why(net):
    error = refused(
        exceptions.BadRequestException, lambda: net.create_port(network_id=network(net).id, mac_address='x')
    )
    assert 'mac_address: wanted a MAC address' in error.details, error.details


def many_at_once_in_pages(net):
    on = network(net).id
    made = list(net.create_ports([{'network_id': on, 'name': 'many%d' % i} for i in range(10)]))
    ids = sorted(port.id for port in made)
    assert len(ids) == 10
    for limit in (1, 3, 5, 10, 11):
        found = [p.id for p in net.ports(limit=limit) if p.name.startswith('many')]
        assert found == ids, (limit, found)
    first = list(net.ports(limit=3, paginated=False))
    assert len(first) == 3, first
    taken = {'network_id': on, 'mac_address': made[0].mac_address}
    refused(exceptions.ConflictException, lambda: list(net.create_ports([{'network_id': on, 'name': 'left'}, taken])))
    assert net.find_port('left') is None
    for port in made:
        net.delete_port(port)


def filters(net):
    on = network(net).id
    assert [p.name for p in net.ports(fixed_ips='ip_address=10.3.0.10')] == ['p']
    assert [p.name for p in net.ports(network_id=on, mac_address=net.find_port('p').mac_address)] == ['p']
    assert [p.name for p in net.ports(name='p', fields=['id', 'name'])] == ['p']
    assert {p.name for p in net.ports(is_admin_state_up=True)} >= {'p', 'bound'}


def revisions(net):
    port = net.find_port('p')
    stale = port.revision_number
    port = net.update_port(port, if_revision=stale, description='1')
    assert port.revision_number > stale
    refused(exceptions.PreconditionFailedException, lambda: net.update_port(port, if_revision=stale, name='x'))
    refused(exceptions.PreconditionFailedException, lambda: net.delete_port(port, if_revision=stale))
    net.update_port(net.get_port(port.id), if_revision=port.revision_number, description='2')


def tags(net):
    port = net.find_port('p')
    assert net.set_tags(port, ['a', 'b']).tags == ['a', 'b']
    assert sorted(net.get_port(port.id).tags) == ['a', 'b']
    assert [p.name for p in net.ports(tags='a,b')] == ['p']
    assert [p.name for p in net.ports(any_tags='b,c')] == ['p']
    port.add_tag(net, 'c')
    assert port.check_tag(net, 'c')
    port.remove_tag(net, 'a')
    assert sorted(net.get_port(port.id).tags) == ['b', 'c']
    port.remove_all_tags(net)
    assert net.get_port(port.id).tags == []
    on = network(net)
    assert net.set_tags(on, ['n']).tags == ['n']


def provider_networks(net):
    made = net.create_network(
        name='vlan',
        provider_network_type='vlan',
        provider_physical_network='physnet1',
        provider_segmentation_id=160,
    )
    assert (made.provider_network_type, made.provider_segmentation_id) == ('vlan', 160)
    assert [n.name for n in net.networks(provider_segmentation_id=160)] == ['vlan']
    refused(
        exceptions.ConflictException,
        lambda: net.create_network(
            provider_network_type='vlan',
            provider_physical_network='physnet1',
            provider_segmentation_id=160,
        ),
    )


def shared_with_others(net):
    on = network(net)
    policy = net.create_rbac_policy(
        object_type='network', object_id=on.id, action='access_as_shared', target_project_id='p2'
    )
    assert net.get_rbac_policy(policy.id).target_project_id == 'p2'
    assert [one.id for one in net.rbac_policies(object_id=on.id)] == [policy.id]
    assert net.update_rbac_policy(policy, target_project_id='p3').target_project_id == 'p3'
    net.delete_rbac_policy(policy, ignore_missing=False)
    assert net.find_rbac_policy(policy.id) is None


def quotas(net):
    before = net.get_quota('p2')
    assert net.update_quota('p2', ports=5).ports == 5
    assert net.get_quota('p2').ports == 5
    assert net.get_quota('p2').networks == before.networks
    assert net.get_quota('p2', details=True).ports['limit'] == 5
    assert 5 in [quota.ports for quota in net.quotas()]
    net.delete_quota('p2')
    assert net.get_quota('p2').ports == before.ports
    assert net.get_quota_default('p2').ports == before.ports


def what_a_quota_refuses(net):
    net.update_quota('p4', networks=1)
    net.create_network(name='one', project_id='p4')
    refused(exceptions.ConflictException, lambda: net.create_network(name='two', project_id='p4'))
    assert net.find_network('two') is None


def agents(net):
    (agent,) = net.agents(host=HOST)
    assert agent.is_alive and agent.is_admin_state_up, agent
    assert net.get_agent(agent.id).host == HOST
    assert net.update_agent(agent, admin_state_up=False).is_admin_state_up is False
    assert net.update_agent(agent, admin_state_up=True).is_admin_state_up is True


def extensions(net):
    assert net.find_extension('port-security').alias == 'port-security'
    assert net.find_extension('security-group') is None
    assert 'allowed-address-pairs' in [one.alias for one in net.extensions()]


def deletes(net):
    on = network(net)
    refused(exceptions.ConflictException, lambda: net.delete_network(on))
    for port in list(net.ports(network_id=on.id)):
        net.delete_port(port, ignore_missing=False)
    net.delete_subnet(net.find_subnet('sdk4'), ignore_missing=False)
    net.delete_network(on, ignore_missing=False)
    assert net.find_network('sdk') is None


CHECKS = (
    networks_and_subnets,
    two_of_one_name,
    ports_and_port_security,
    a_bound_port,
    what_is_not_there,
    what_is_refused_says_why,
    many_at_once_in_pages,
    filters,
    revisions,
    tags,
    provider_networks,
    shared_with_others,
    quotas,
    what_a_quota_refuses,
    agents,
    extensions,
    deletes,
)


def network(net):
    return net.find_network('sdk', ignore_missing=False)


def refused(kind, act):
    try:
        act()
    except kind as error:
        return error
    raise AssertionError('not refused')


def main():
    connection = openstack.connection.Connection(auth_type='none', endpoint=sys.argv[1])
    for check in CHECKS:
        try:
            check(connection.network)
            error = None
        except Exception:
            error = ''.join(traceback.format_exc().splitlines(True)[3:])
        print(json.dumps({'check': check.__name__, 'error': error}), flush=True)


main()
