using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Azure.Core;
using Azure.Identity;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class RedisConnectionTests(RedisServer server) : IClassFixture<RedisServer>
{
    private const string Identity = "5e7b0c0a-8a3e-4f0f-9a57-2f3b1f6d2a11";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("redis://127.0.0.1", 6379, 0, null, null)]
    [InlineData("redis://[::1]:7000/3", 7000, 3, null, null)]
    [InlineData("redis://:p%40ss@127.0.0.1/", 6379, 0, null, "p@ss")]
    [InlineData("rediss://ana:p%40ss:x@127.0.0.1:6380/1", 6380, 1, "ana", "p@ss:x")]
    public void Every_part_of_an_address_counts(string url, int port, int database, string? user, string? password)
    {
        Faults(new RedisOptions { Url = url }).ShouldBeEmpty();

        var configuration = RedisConnection.Configure(new RedisOptions { Url = url });

        ((IPEndPoint)configuration.EndPoints.Single()).Port.ShouldBe(port);
        (configuration.DefaultDatabase, configuration.User, configuration.Password).ShouldBe((database, user, password));
        configuration.Ssl.ShouldBe(url.StartsWith("rediss", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("redis://host/0?ssl_cert_reqs=none", "a query")]
    [InlineData("redis://host/0#x", "a fragment")]
    [InlineData("redis://secret@host", "a user name without a password")]
    [InlineData("redis://host/x", "no number of a database")]
    [InlineData("redis://host/0/1", "no number of a database")]
    [InlineData("redis://:se#cret@host", "no address of one server")]
    [InlineData("redis://a:1,b:2", "no address of one server")]
    public void What_would_be_ignored_is_refused_and_named(string url, string part) =>
        Faults(new RedisOptions { Url = url }).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            fault => fault.ShouldContain("REDIS_URL"), fault => fault.ShouldContain(part), fault => fault.ShouldNotContain("cret"));

    [Fact]
    public async Task The_name_of_the_address_is_the_user_that_Redis_sees()
    {
        await using (var redis = Connect(server.Url))
        {
            await AllowAsync(redis, "ana", "+@all");
        }

        await using var named = Connect($"redis://ana:s3cret@127.0.0.1:{server.Port}/0");

        ((string?)await named.RunAsync(database => database.ExecuteAsync("ACL", "WHOAMI"), Cancellation)).ShouldBe("ana");
    }

    [Theory]
    [InlineData("juan:s3cret@")]
    [InlineData("juan:wrong@")]
    [InlineData(":wrong@")]
    [InlineData("")]
    public async Task A_right_or_a_password_that_is_missing_is_no_outage(string login)
    {
        await using var locked = new RedisServer();
        await locked.StartAsync();
        await using (var open = Connect(locked.Url))
        {
            await AllowAsync(open, "juan", "+@all", "-get");
            await open.RunAsync(database => database.ExecuteAsync("CONFIG", "SET", "requirepass", "s3cret"), Cancellation);
        }

        await using var redis = Connect($"redis://{login}127.0.0.1:{locked.Port}/0");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));

        // On a busy machine a login, too, may end in a time limit.
        while (RedisFault.MayPass(await FailureAsync(redis)))
        {
            limit.Token.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public async Task A_certificate_counts_if_an_authority_that_is_known_signed_it_for_this_host()
    {
        await using var tls = new TlsRedisServer();
        await tls.StartAsync();

        await using var known = Connect($"rediss://localhost:{tls.Port}", tls.Authority);
        await using var unknown = Connect($"rediss://localhost:{tls.Port}");
        await using var otherHost = Connect($"rediss://127.0.0.1:{tls.Port}", tls.Authority);

        (await known.RunAsync(database => database.StringSetAsync("a", "b"), Cancellation)).ShouldBeTrue();
        foreach (var redis in (RedisConnection[])[unknown, otherHost])
        {
            var failure = await FailureAsync(redis);
            (failure is RedisConnectionException or TimeoutException).ShouldBeTrue(failure.ToString());
        }
    }

    [Fact]
    public async Task An_authority_is_a_certificate_and_goes_with_TLS()
    {
        await using var tls = new TlsRedisServer();

        Faults(new RedisOptions { Url = "rediss://localhost", CaFile = tls.Authority }).ShouldBeEmpty();
        Faults(new RedisOptions { Url = "redis://localhost", CaFile = tls.Authority }).ShouldHaveSingleItem().ShouldContain("REDIS_CA_FILE");
        Faults(new RedisOptions { Url = "rediss://localhost", CaFile = tls.Authority + ".none" }).ShouldHaveSingleItem().ShouldContain("REDIS_CA_FILE");
    }

    [Theory]
    [InlineData("redis://127.0.0.1")]
    [InlineData("rediss://ana:s3cret@127.0.0.1")]
    public void An_identity_signs_in_over_TLS_and_in_the_place_of_a_password(string url)
    {
        Faults(new RedisOptions { Url = url, EntraObjectId = Identity }).ShouldHaveSingleItem().ShouldContain("Cosmo:Redis:EntraObjectId");
        Faults(new RedisOptions { Url = "rediss://127.0.0.1:10000/0", EntraObjectId = Identity }).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_identity_signs_in_with_the_token_of_the_moment_and_tells_an_open_connection_each_new_one()
    {
        await using var tls = new TlsRedisServer();
        await tls.StartAsync();
        await using var administrator = Connect($"rediss://localhost:{tls.Port}", tls.Authority);
        Task SetTokenAsync(string token) => administrator.RunAsync(
            database => database.ExecuteAsync("ACL", "SETUSER", Identity, "on", "resetpass", $">{token}", "allkeys", "allchannels", "+@all"), Cancellation);
        await SetTokenAsync("first");
        var (clock, credential) = (new ManualTimeProvider(), new ChangingCredential { Token = "first" });
        var options = new RedisOptions { Url = $"rediss://localhost:{tls.Port}", CaFile = tls.Authority, EntraObjectId = Identity, CallTimeoutSeconds = 5 };

        await using var redis = new RedisConnection(Options.Create(options), clock, credential);
        async Task<string?> WhoAsync() => (string?)await redis.RunAsync(database => database.ExecuteAsync("ACL", "WHOAMI"), Cancellation);
        (await WhoAsync()).ShouldBe(Identity);

        await SetTokenAsync("second");
        credential.Token = "second";
        await administrator.RunAsync(database => database.ExecuteAsync("CONFIG", "RESETSTAT"), Cancellation);
        clock.Advance(TimeSpan.FromMinutes(1));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await HasLoggedInAsync(administrator))
        {
            limit.Token.ThrowIfCancellationRequested();
        }

        await administrator.RunAsync(database => database.ExecuteAsync("CLIENT", "KILL", "USER", Identity), Cancellation);
        while (await Record.ExceptionAsync(WhoAsync) is not null)
        {
            limit.Token.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public async Task An_identity_that_gets_no_token_is_an_outage()
    {
        await using var tls = new TlsRedisServer();
        await tls.StartAsync();
        var options = new RedisOptions { Url = $"rediss://localhost:{tls.Port}", CaFile = tls.Authority, EntraObjectId = Identity, CallTimeoutSeconds = 2 };

        await using var redis = new RedisConnection(Options.Create(options), credential: new ChangingCredential());

        var failure = await FailureAsync(redis);
        RedisFault.MayPass(failure).ShouldBeTrue(failure.ToString());
    }

    private static async Task<bool> HasLoggedInAsync(RedisConnection redis) =>
        ((string?)await redis.RunAsync(database => database.ExecuteAsync("INFO", "commandstats"), Cancellation))!.Contains("cmdstat_auth:calls=1,");

    private static Task<RedisResult> AllowAsync(RedisConnection redis, string user, params string[] rights) =>
        redis.RunAsync(database => database.ExecuteAsync("ACL", ["SETUSER", user, "on", ">s3cret", "allkeys", "allchannels", .. rights]), Cancellation);

    private static async Task<Exception> FailureAsync(RedisConnection redis) =>
        (await Record.ExceptionAsync(() => redis.RunAsync(database => database.StringGetAsync("a"), Cancellation))).ShouldNotBeNull();

    private static RedisConnection Connect(string url, string? authority = null) =>
        new(Options.Create(new RedisOptions { Url = url, CaFile = authority, CallTimeoutSeconds = 2 }));

    private static List<string> Faults(RedisOptions options)
    {
        var faults = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), faults, validateAllProperties: true);
        return [.. faults.Select(fault => fault.ErrorMessage!)];
    }

    /// <summary>Gives the token that it has; where it has none it fails as a real one does.</summary>
    private sealed class ChangingCredential : TokenCredential
    {
        public string? Token { get; set; }

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(Token ?? throw new AuthenticationFailedException("away"), DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(GetToken(requestContext, cancellationToken));
    }

    /// <summary>A Redis that speaks TLS alone, as localhost, with a certificate of an authority of its own.</summary>
    private sealed class TlsRedisServer : ChildServer
    {
        public TlsRedisServer()
        {
            using var authorityKey = RSA.Create(2048);
            var authority = new CertificateRequest("CN=Cosmo test authority", authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
            var (begin, end) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
            using var signed = authority.CreateSelfSigned(begin, end);
            using var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("localhost");
            request.CertificateExtensions.Add(names.Build());
            using var certificate = request.Create(signed, begin, end, [1, 2, 3, 4]);
            File.WriteAllText(Authority, signed.ExportCertificatePem());
            File.WriteAllText(Path.Combine(Folder, "redis.crt"), certificate.ExportCertificatePem());
            File.WriteAllText(Path.Combine(Folder, "redis.key"), key.ExportPkcs8PrivateKeyPem());
        }

        public string Authority => Path.Combine(Folder, "ca.crt");

        protected override ProcessStartInfo Command() => new(
            "redis-server",
            [
                "--bind", "127.0.0.1", "--port", "0", "--tls-port", Port.ToString(CultureInfo.InvariantCulture), "--dir", Folder, "--save", "",
                "--tls-cert-file", "redis.crt", "--tls-key-file", "redis.key", "--tls-ca-cert-file", "ca.crt", "--tls-auth-clients", "no",
            ])
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
        };

        protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
        {
            await using var redis = Connect($"rediss://localhost:{Port}", Authority);
            return await Record.ExceptionAsync(() => redis.RunAsync(database => database.PingAsync(), cancellationToken)) is null;
        }
    }
}
