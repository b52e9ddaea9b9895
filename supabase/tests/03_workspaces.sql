-- Workspaces and their members.
begin;
select plan(24);
select tests.two_tenants();

select tests.act_as('nobody');
select lives_ok('select wa_create_workspace(''  Mine '')', 'Any user may create a workspace');
select results_eq('select name from wa_workspaces', array['Mine'], 'Its name is trimmed');
select results_eq('select role from wa_workspace_members', array['owner'], 'Its creator owns it');
select throws_ok('select wa_create_workspace('' '')', '23514', null, 'A workspace needs a name');

-- "Admins rename their workspaces"
select tests.act_as('adam');
select isnt_empty('update wa_workspaces set name = ''A'' returning 1', 'An admin renames the workspace');
select is_empty(
  'update wa_workspaces set name = ''A'' where id = tests.id(''Rival'') returning 1',
  'An admin renames no other workspace'
);
select throws_ok('update wa_workspaces set id = tests.id(''x'')', '42501', null, 'A workspace keeps its id');
select tests.act_as('ana');
select is_empty('update wa_workspaces set name = ''B'' returning 1', 'An agent does not rename the workspace');

-- "Owners add members"
select tests.act_as('olga');
select lives_ok(
  'insert into wa_workspace_members (workspace_id, user_id, role)
   values (tests.id(''Acme''), tests.id(''nobody''), ''agent'')',
  'An owner adds a member'
);
select throws_ok(
  'insert into wa_workspace_members (workspace_id, user_id) values (tests.id(''Rival''), tests.id(''olga''))',
  '42501', null, 'An owner cannot enter another workspace'
);
select tests.act_as('adam');
select throws_ok(
  'insert into wa_workspace_members (workspace_id, user_id, role)
   values (tests.id(''Acme''), tests.id(''rita''), ''owner'')',
  '42501', null, 'An admin does not add members'
);
select tests.act_as('ana');
select throws_ok(
  'insert into wa_workspace_members (workspace_id, user_id) values (tests.id(''Acme''), tests.id(''rita''))',
  '42501', null, 'An agent does not add members'
);

-- "Owners change the role of others"
select tests.act_as('olga');
select isnt_empty(
  'update wa_workspace_members set role = ''admin'' where user_id = tests.id(''ana'') returning 1',
  'An owner promotes a member'
);
select is_empty(
  'update wa_workspace_members set role = ''agent'' where user_id = tests.id(''olga'') returning 1',
  'An owner cannot step down, so that there is always one'
);
select is_empty(
  'update wa_workspace_members set role = ''agent'' where user_id = tests.id(''rita'') returning 1',
  'An owner changes no other workspace''s members'
);
select throws_ok(
  'update wa_workspace_members set user_id = tests.id(''rita'')', '42501', null, 'A membership cannot be handed on'
);
select tests.act_as('adam');
select is_empty('update wa_workspace_members set role = ''owner'' returning 1', 'An admin promotes nobody');
select tests.act_as('ana');
select is_empty('update wa_workspace_members set role = ''owner'' returning 1', 'An agent promotes nobody');

-- "Owners remove others, and other members may leave"
select is_empty(
  'delete from wa_workspace_members where user_id <> tests.id(''ana'') returning 1', 'A member removes nobody else'
);
select isnt_empty(
  'delete from wa_workspace_members where user_id = tests.id(''ana'') returning 1', 'A member may leave'
);
select is_empty('select 1 from wa_sessions', 'Who left reads nothing any more');
select tests.act_as('olga');
select is_empty(
  'delete from wa_workspace_members where user_id in (tests.id(''olga''), tests.id(''rita'')) returning 1',
  'An owner can neither leave nor remove another workspace''s members'
);
select isnt_empty(
  'delete from wa_workspace_members where user_id = tests.id(''adam'') returning 1', 'An owner removes a member'
);
select tests.act_as_anybody();
select throws_ok('delete from wa_workspace_members', '42501', null, 'Nobody signed in may remove members');

select finish();
rollback;
