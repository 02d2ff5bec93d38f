using System.Globalization;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>The cities that the weather service knows. Of one name, the largest stands first.</summary>
internal static class CityList
{
    private const string Table = """
        Manila|Metro Manila|PH|14.5904|120.9804
        Makati|Metro Manila|PH|14.5568|121.0211
        Quezon City|Metro Manila|PH|14.6510|121.0486
        Taguig|Metro Manila|PH|14.5270|121.0727
        Pasig|Metro Manila|PH|14.5605|121.0765
        Mandaluyong|Metro Manila|PH|14.5772|121.0338
        Pasay|Metro Manila|PH|14.5412|121.0007
        Parañaque|Metro Manila|PH|14.5009|120.9916
        Muntinlupa|Metro Manila|PH|14.4081|121.0415
        Alabang|Metro Manila|PH|14.4230|121.0450
        Bonifacio Global City|Metro Manila|PH|14.5503|121.0503
        BGC|Metro Manila|PH|14.5505|121.0500
        Ortigas|Metro Manila|PH|14.5871|121.0615
        Caloocan|Metro Manila|PH|14.6514|120.9724
        Las Piñas|Metro Manila|PH|14.4446|120.9939
        Marikina|Metro Manila|PH|14.6331|121.0993
        San Juan|Metro Manila|PH|14.6042|121.0300
        Cebu City|Cebu|PH|10.2931|123.9020
        Mandaue|Cebu|PH|10.3321|123.9357
        Lapu-Lapu|Cebu|PH|10.3119|123.9488
        Davao City|Davao del Sur|PH|7.0648|125.6080
        Clark|Pampanga|PH|15.1860|120.5600
        Angeles|Pampanga|PH|15.1472|120.5847
        San Fernando|Pampanga|PH|15.0286|120.6898
        San Fernando|La Union|PH|16.6159|120.3209
        Iloilo City|Iloilo|PH|10.6969|122.5644
        Bacolod|Negros Occidental|PH|10.6765|122.9509
        Baguio|Benguet|PH|16.4120|120.5933
        Cagayan de Oro|Misamis Oriental|PH|8.4822|124.6472
        Zamboanga City|Zamboanga Peninsula|PH|6.9214|122.0790
        General Santos|South Cotabato|PH|6.1128|125.1717
        Dumaguete|Negros Oriental|PH|9.3068|123.3054
        Tagaytay|Cavite|PH|14.1153|120.9621
        Bacoor|Cavite|PH|14.4590|120.9290
        Santa Rosa|Laguna|PH|14.3122|121.1114
        Batangas City|Batangas|PH|13.7565|121.0583
        Naga|Camarines Sur|PH|13.6218|123.1948
        Legazpi|Albay|PH|13.1391|123.7438
        Puerto Princesa|Palawan|PH|9.7407|118.7303
        Tacloban|Leyte|PH|11.2443|125.0048
        Subic|Zambales|PH|14.8792|120.2335
        Singapore||SG|1.2899|103.8519
        Hong Kong||HK|22.2793|114.1628
        Tokyo|Tokyo|JP|35.6828|139.7595
        Osaka|Osaka|JP|34.6938|135.5014
        Seoul|Seoul|KR|37.5667|126.9783
        Taipei|Taipei|TW|25.0375|121.5637
        Beijing|Beijing|CN|39.9062|116.3913
        Shanghai|Shanghai|CN|31.2323|121.4691
        Bangkok|Bangkok|TH|13.7525|100.4935
        Kuala Lumpur|Kuala Lumpur|MY|3.1517|101.6943
        Jakarta|Jakarta|ID|-6.1753|106.8271
        Ho Chi Minh City|Ho Chi Minh City|VN|10.7764|106.7011
        Hanoi|Hanoi|VN|21.0294|105.8544
        Mumbai|Maharashtra|IN|19.0785|72.8781
        Delhi|Delhi|IN|28.6517|77.2219
        Dubai|Dubai|AE|25.0750|55.1888
        Sydney|New South Wales|AU|-33.8698|151.2083
        Sydney|Nova Scotia|CA|46.1368|-60.1942
        Melbourne|Victoria|AU|-37.8142|144.9632
        Melbourne|Florida|US|28.1060|-80.6372
        Auckland|Auckland|NZ|-36.8521|174.7632
        London|England|GB|51.5073|-0.1276
        London|Ontario|CA|42.9834|-81.2330
        Manchester|England|GB|53.4794|-2.2453
        Birmingham|England|GB|52.4797|-1.9027
        Birmingham|Alabama|US|33.5207|-86.8024
        Dublin|Leinster|IE|53.3498|-6.2603
        Paris|Île-de-France|FR|48.8589|2.3200
        Paris|Texas|US|33.6618|-95.5555
        Berlin|Berlin|DE|52.5170|13.3889
        Munich|Bavaria|DE|48.1371|11.5754
        Amsterdam|North Holland|NL|52.3728|4.8936
        Brussels|Brussels-Capital|BE|50.8466|4.3517
        Zurich|Zurich|CH|47.3745|8.5410
        Vienna|Vienna|AT|48.2084|16.3725
        Rome|Lazio|IT|41.8933|12.4829
        Madrid|Community of Madrid|ES|40.4167|-3.7036
        Barcelona|Catalonia|ES|41.3829|2.1774
        Lisbon|Lisbon|PT|38.7078|-9.1366
        Valencia|Valencian Community|ES|39.4697|-0.3763
        Valencia|Carabobo|VE|10.1702|-68.0004
        Valencia|Bukidnon|PH|7.9064|125.0941
        Oslo|Oslo|NO|59.9133|10.7390
        Stockholm|Stockholm|SE|59.3251|18.0711
        Copenhagen|Capital Region|DK|55.6867|12.5701
        Helsinki|Uusimaa|FI|60.1675|24.9428
        Athens|Attica|GR|37.9756|23.7348
        Istanbul|Istanbul|TR|41.0064|28.9759
        Cairo|Cairo|EG|30.0444|31.2357
        Nairobi|Nairobi|KE|-1.3026|36.8288
        Cape Town|Western Cape|ZA|-33.9289|18.4174
        New York|New York|US|40.7127|-74.0060
        San Francisco|California|US|37.7790|-122.4199
        San José|California|US|37.3362|-121.8906
        San José|San José|CR|9.9326|-84.0787
        Los Angeles|California|US|34.0537|-118.2428
        Chicago|Illinois|US|41.8756|-87.6244
        Houston|Texas|US|29.7589|-95.3677
        Seattle|Washington|US|47.6038|-122.3301
        Toronto|Ontario|CA|43.6535|-79.3839
        Vancouver|British Columbia|CA|49.2609|-123.1140
        Mexico City|Mexico City|MX|19.4326|-99.1332
        São Paulo|São Paulo|BR|-23.5507|-46.6334
        Buenos Aires|Buenos Aires|AR|-34.6076|-58.4371
        """;

    public static IReadOnlyList<City> All { get; } = [.. Table.Split('\n').Select(Read)];

    private static City Read(string line)
    {
        var fields = line.Trim().Split('|');
        return new City(fields[0], fields[1], fields[2], Degrees(fields[3]), Degrees(fields[4]));
    }

    private static double Degrees(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
