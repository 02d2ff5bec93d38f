namespace Cosmo.Functions.Threads.Index;

/// <summary>The scripts of <see cref="ThreadIndex"/>. Each works on keys of one hash slot, so each is all or nothing: the sums are always those of the entries.</summary>
internal static class ThreadIndexScripts
{
    /// <summary>
    /// Writes entries, four arguments each: channel, thread id, activity, messages; an empty one is unknown. What is older than what stands there
    /// changes nothing, so a slow reader of the keys does not undo a message. A thread that is replaced is kept as abandoned.
    /// </summary>
    public const string Record = """
        local activity, messages, ids, totals, abandoned = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
        local now, replace = ARGV[1], ARGV[2] == '1'
        for i = 3, #ARGV, 4 do
          local channel, id, at, count = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
          if id ~= '' then
            local old = redis.call('HGET', ids, channel)
            if not old or (replace and old ~= id) then redis.call('HSET', ids, channel, id) end
            if old and replace and old ~= id and string.sub(old, 1, 5) == 'conv_' then
              redis.call('ZADD', abandoned, now, old .. ' ' .. channel)
            end
          end
          local known = redis.call('ZSCORE', activity, channel)
          local bounded = at ~= '' and math.min(tonumber(at), tonumber(now)) or nil
          if not known or (bounded and bounded > tonumber(known)) then
            redis.call('ZADD', activity, bounded and string.format('%.17g', bounded) or now, channel)
          end
          if count ~= '' then
            local before = redis.call('ZSCORE', messages, channel)
            local had, has = tonumber(before or '0'), tonumber(count)
            local newer = not before or not known or (bounded and bounded > tonumber(known))
            if bounded and known and bounded == tonumber(known) then newer = newer or has > had end
            if newer then
              redis.call('ZADD', messages, count, channel)
              redis.call('HINCRBY', totals, 'messages', string.format('%.0f', has - had))
            end
          end
        end
        """;

    /// <summary>Takes thread, metadata or both of a channel out, if it still has that thread and was not active later. Answers 1 if so.</summary>
    public const string Remove = """
        local activity, messages, ids, totals, abandoned = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
        local now, channel, id, latest = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
        local noThread, noMetadata, abandon = ARGV[5] == '1', ARGV[6] == '1', ARGV[7] == '1'
        if (redis.call('HGET', ids, channel) or '') ~= id then return 0 end
        if tonumber(redis.call('ZSCORE', activity, channel) or '0') > latest then return 0 end
        if noThread and id ~= '' then
          redis.call('HDEL', ids, channel)
          if abandon and string.sub(id, 1, 5) == 'conv_' then redis.call('ZADD', abandoned, now, id .. ' ' .. channel) end
        end
        if noMetadata then
          local had = redis.call('ZSCORE', messages, channel)
          if had then
            redis.call('ZREM', messages, channel)
            redis.call('HINCRBY', totals, 'messages', string.format('%.0f', 0 - tonumber(had)))
          end
        end
        if noThread and noMetadata then redis.call('ZREM', activity, channel) end
        return 1
        """;

    /// <summary>A look-up marks the channel as in use, unless its thread is being removed: then the answer is 0.</summary>
    public const string Use = """
        local inUse, leaving = KEYS[1], KEYS[2]
        local channel, now, hold = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
        local since = redis.call('ZSCORE', leaving, channel)
        if since and tonumber(since) > now - hold then return 0 end
        redis.call('ZADD', inUse, ARGV[2], channel)
        redis.call('ZREMRANGEBYSCORE', inUse, '-inf', string.format('%.17g', now - hold))
        return 1
        """;

    /// <summary>A removal marks the channel as leaving, unless somebody else removes it, it is in use or it was active later: then the answer is 0.</summary>
    public const string Claim = """
        local activity, inUse, leaving = KEYS[1], KEYS[2], KEYS[3]
        local channel, now, hold, latest, forced = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
        if not forced then
          for _, set in ipairs({inUse, leaving}) do
            local since = redis.call('ZSCORE', set, channel)
            if since and tonumber(since) > now - hold then return 0 end
          end
          if tonumber(redis.call('ZSCORE', activity, channel) or '0') > latest then return 0 end
        end
        redis.call('ZADD', leaving, ARGV[2], channel)
        redis.call('ZREMRANGEBYSCORE', leaving, '-inf', string.format('%.17g', now - hold))
        return 1
        """;
}
