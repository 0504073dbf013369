%% SPDX-License-Identifier: BSD-2-Clause
%%
%% How long OTP takes to start a worker again: from just before its end to the
%% first code of the one in its place, under a one_for_one supervisor.
%%
%% exit   the worker ends itself
%% kill   it is killed by another process
%%
%% Each figure is a line in the form of wardbench --json.
-module(heal).
-behaviour(supervisor).

-export([main/1]).
-export([init/1]).
-export([start_worker/1, worker/2]).

-define(PAUSE, 5). % ms

main([Samples]) ->
    %% A report of each end would be written meanwhile; not asked for here.
    ok = logger:set_primary_config(level, none),
    {ok, Supervisor} = supervisor:start_link(?MODULE, self()),
    receive {up, _} -> ok end,
    N = list_to_integer(Samples),
    lists:foreach(
      fun(How) ->
              samples(How, N div 10), % warm
              tell(How, lists:sort(samples(How, N)))
      end, [exit, kill]),
    unlink(Supervisor),
    exit(Supervisor, shutdown),
    halt(0).

%% ---- the supervisor and its worker

init(Bench) ->
    %% OTP gives up where more end in a second than this.
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1},
          [#{id => worker, start => {?MODULE, start_worker, [Bench]}}]}}.

start_worker(Bench) ->
    proc_lib:start_link(?MODULE, worker, [Bench, self()]).

worker(Bench, Supervisor) ->
    First = now_ns(),
    register(worker, self()),
    proc_lib:init_ack(Supervisor, {ok, self()}),
    Bench ! {up, First},
    receive
        die ->
            Bench ! {began, now_ns()},
            exit(as_it_was_told)
    end.

%% ---- what is measured

samples(How, N) ->
    [sample(How) || _ <- lists:seq(1, N)].

sample(How) ->
    timer:sleep(?PAUSE),
    Began = bring_down(How),
    receive {up, First} -> First - Began end.

bring_down(exit) ->
    worker ! die,
    receive {began, At} -> At end;
bring_down(kill) ->
    Worker = whereis(worker),
    At = now_ns(),
    exit(Worker, kill),
    At.

now_ns() ->
    erlang:monotonic_time(nanosecond).

tell(How, Sorted) ->
    lists:foreach(
      fun({Name, Thousand}) ->
              At = (length(Sorted) * Thousand + 999) div 1000,
              Us = lists:nth(At, Sorted) / 1000,
              io:format("{\"bench\": \"heal\", \"impl\": \"otp\", "
                        "\"workers\": 1, \"producers\": 1, "
                        "\"metric\": \"~s_~s\", \"unit\": \"us\", "
                        "\"median\": ~.3f, \"min\": ~.3f, \"max\": ~.3f, "
                        "\"runs\": 1, \"values\": [~.3f]}~n",
                        [How, Name, Us, Us, Us, Us])
      end, [{"p50", 500}, {"p99", 990}, {"p999", 999}]).
